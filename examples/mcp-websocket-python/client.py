"""Lists the tools, and calls the platform's own `sleep` with its progress told."""
import asyncio
import json
import os

from mcp import Client

from transport import websocket_client

URL = os.environ.get("MCPW_URL", "ws://127.0.0.1:8080/mcp")


async def told(progress, total, message):
    print("progress", progress, total)


async def main():
    # The client takes the newest version that both know. With mode="legacy" it opens a session, as all did before 2026-07-28.
    async with Client(websocket_client(URL, os.environ.get("MCPW_TOKEN"))) as client:
        print("version", client.protocol_version)
        tools = await client.list_tools()
        print("tools", *(tool.name for tool in tools.tools))
        result = await client.call_tool("sleep", {"ms": 500}, progress_callback=told)
        print("result", json.dumps(result.structured_content))


asyncio.run(main())
