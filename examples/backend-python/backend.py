"""A backend without an SDK: words.stream streams its result, words.slow takes its time and can be cancelled."""

import json
import os
import queue
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
from mcpw.v1 import backend_pb2 as pb
from mcpw.v1 import backend_pb2_grpc as rpc
from spans import span

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
IDEMPOTENT = pb.Annotations(read_only=True, idempotent=True)
TOOLS = {
    "words.stream": "Sends each word of a text as a part of the result, then how many there were.",
    "words.slow": "Looks at a word of a text each second, until it is cancelled.",
}


def encoded(value):
    return json.dumps(value).encode()


class Words(rpc.BackendServicer):
    def Describe(self, request, context):
        tools = [
            pb.Tool(name=name, description=text, input_schema=encoded(TEXT), annotations=IDEMPOTENT)
            for name, text in TOOLS.items()
        ]
        return pb.Description(name="words", version="1.0", tools=tools)

    def Call(self, request, context):
        args = json.loads(request.params or b"{}")
        if not isinstance(args, dict) or not isinstance(args.get("text"), str):
            yield pb.CallEvent(error=pb.Error(code=4005, message="text: a string is needed"))
            return
        # Set when the call is cancelled, its deadline has passed, or the gateway is gone; also at a normal end.
        over = threading.Event()
        context.add_callback(over.set)
        words = args["text"].split()
        with span(request.traceparent, request.tool):
            for done, word in enumerate(words, 1):
                if request.tool == "words.slow" and over.wait(timeout=1):
                    print("cancelled", flush=True)
                    return
                yield pb.CallEvent(progress=pb.Progress(progress=done, total=len(words), message=word))
                yield pb.CallEvent(partial=encoded({"word": word}))
            yield pb.CallEvent(result=encoded({"words": len(words)}))


def stay_registered(gateway, address):
    instance = str(uuid.uuid4())
    while True:
        try:
            with grpc.insecure_channel(gateway) as channel:
                outgoing = queue.Queue()
                outgoing.put(pb.Registration(hello=pb.Hello(address=address, instance=instance)))
                # Every heartbeat is answered with a lease; three are sent in each.
                for lease in rpc.RegistryStub(channel).Register(iter(outgoing.get, None)):
                    time.sleep(lease.ttl_ms / 3000)
                    outgoing.put(pb.Registration(heartbeat=pb.Heartbeat()))
        except grpc.RpcError as error:
            print("not registered:", error.details(), flush=True)
        time.sleep(1)


server = grpc.server(ThreadPoolExecutor(32))
rpc.add_BackendServicer_to_server(Words(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
gateway = os.environ.get("MCPW_GRPC", "http://127.0.0.1:9091")
stay_registered(gateway.removeprefix("http://"), f"127.0.0.1:{port}")
