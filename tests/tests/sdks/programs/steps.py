# What each line of the input says is done with an SDK of either generation, and answered with a line: JSON, both ways.
import asyncio
import json
import sys

from mcp import types

ANSWER = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "sampled"}}


def plain(result):
    return result.model_dump(by_alias=True, mode="json", exclude_none=True)


class Heard:
    """What the platform has told or asked; each is one of the client's callbacks."""

    def __init__(self):
        self.asked = []
        self.progress, self.logged, self.updated = (asyncio.Queue() for _ in range(3))

    async def elicit(self, context, params):
        self.asked.append(params.message)
        return types.ElicitResult(action="accept", content={"name": "n"})

    async def sample(self, context, params):
        self.asked.append(params.messages[0].content.text)
        return types.CreateMessageResult.model_validate(ANSWER)

    async def roots(self, context):
        self.asked.append("roots")
        return types.ListRootsResult.model_validate({"roots": [{"uri": "file:///root"}]})

    async def log(self, params):
        await self.logged.put(params.data)

    async def walk(self, done, total, message):
        await self.progress.put([int(done), int(total), message])

    async def message(self, message):
        # One generation wraps each notification.
        note = getattr(message, "root", message)
        if isinstance(note, types.ResourceUpdatedNotification):
            await self.updated.put(str(note.params.uri))


async def follow(client, heard, hello, cancel, level, subscribe):
    """Says hello, then does one step after the other. The last three are each generation's own way."""
    running = None

    def begin(step):
        heard.progress = asyncio.Queue()
        return asyncio.create_task(
            client.call_tool(step["name"], step.get("arguments", {}), progress_callback=heard.walk)
        )

    async def done(step):
        nonlocal running
        match step.pop("do"):
            case "tools":
                return [plain(tool) for tool in (await client.list_tools()).tools]
            case "call":
                return plain(await begin(step))
            case "begin":
                running = begin(step)
            case "progress":
                return await heard.progress.get()
            case "end":
                return plain(await running)
            case "cancel":
                await cancel(running)
            case "asked":
                return [heard.asked.pop(0) for _ in range(len(heard.asked))]
            case "resources":
                return plain(await client.list_resources())["resources"]
            case "templates":
                return plain(await client.list_resource_templates())["resourceTemplates"]
            case "read":
                return plain(await client.read_resource(step["uri"]))["contents"]
            case "prompts":
                return plain(await client.list_prompts())["prompts"]
            case "prompt":
                return plain(await client.get_prompt(step["name"], step.get("arguments")))["messages"]
            case "complete":
                ref = types.PromptReference(type="ref/prompt", name=step["prompt"])
                return plain(await client.complete(ref, step["argument"]))["completion"]["values"]
            case "level":
                await level(step["level"])
            case "logged":
                return await heard.logged.get()
            case "subscribe":
                await subscribe(step["uri"])
            case "updated":
                return await heard.updated.get()

    print(json.dumps(hello), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            answer = {"result": await done(json.loads(line))}
        except Exception as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)
