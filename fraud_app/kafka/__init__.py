"""Every touch of Faust's and aiokafka's private parts; each is listed in tests/architecture."""
