"""Runs the converted fuzzing client once: python fuzz.py SUITE SPEC.json

Beside the suite's own reports it leaves cases.json, the list of the cases that were to be run: the
suite itself does not notice when a server stops answering halfway.
"""

import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])

import txaio  # noqa: E402
from twisted.internet import reactor  # noqa: E402

txaio.use_twisted()
from autobahntestsuite import fuzzing  # noqa: E402

spec = json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8"))
factory = fuzzing.FuzzingClientFactory(spec)
(pathlib.Path(spec["outdir"]) / "cases.json").write_text(json.dumps(factory.specCases), encoding="utf-8")
if factory.specCases:
    reactor.run()
