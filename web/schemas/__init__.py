"""The request and response models of `web.api`, in modules of the same names. OpenAPI is built from
them, so their docstrings are public texts.
"""
