"""The HTTP API, the live feed and the pages, served by Faust's own aiohttp application. A slow
client must never delay scoring.
"""
