// Swagger UI on our own description; its validator badge would ask another server.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger", validatorUrl: null, deepLinking: true, defaultModelsExpandDepth: 0 });
