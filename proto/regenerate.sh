#!/usr/bin/env sh
# Regenerate the Python stubs into a folder (default: beside the .proto files).
# A path like the import name makes protoc write imports that work inside the package.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/src}
cd "$root"
"${PYTHON:-python3}" -m grpc_tools.protoc -I grainseal/proto=proto \
    --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
    grainseal/proto/v1/grainseal.proto
