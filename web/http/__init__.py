"""What all requests share: middleware, access, bodies, problems and OpenAPI."""
