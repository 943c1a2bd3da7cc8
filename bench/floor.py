"""The floor: an ASGI application that does nothing but answer sixty bytes."""

BODY = b'{"code":0,"message":"ok","data":{"nothing":"but the floor"}}'

HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"60"), (b"cache-control", b"no-store")]


async def app(scope, receive, send):
    """Read the request as the shell does, and answer."""
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})
        return
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
