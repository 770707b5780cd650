"""The HTTP API, the live feed and the pages, on Faust's own aiohttp application."""
