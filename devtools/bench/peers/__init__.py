"""The same job as other systems do it; each module runs as a process of its own."""
