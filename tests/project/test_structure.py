"""Promises about the repository itself: fresh stubs, layers, checks where the documents say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    path
    for folder in ("client", "crypto", "models", "proto", "server", "src/grainseal", "bench")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not path.is_symlink() and "src/grainseal/" not in str(path.parent)
]
TORCH = {
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "models" / "training").rglob("*.py")
    if path.name not in ("__init__.py", "command.py", "config.py")
}
OWN = [path for path in SOURCES if "_pb2" not in path.name]


def test_stubs_are_fresh(tmp_path):
    subprocess.run(
        ["sh", str(ROOT / "proto" / "regenerate.sh"), str(tmp_path)],
        check=True,
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
    )
    made = sorted((tmp_path / "grainseal" / "proto" / "v1").iterdir())
    assert len(made) == 3
    for stub in made:
        checked_in = ROOT / "proto" / "v1" / stub.name
        assert stub.read_text() == checked_in.read_text(), f"run `make proto`: {stub.name} is stale"


def test_import_layers_hold():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("tenseal", {"crypto/seal.py"}),
        ("torch", TORCH),
        ("onnxruntime", {"models/neural.py"}),
        (
            "PIL",
            {
                "models/photo.py",
                "models/perceptual.py",
                "client/demo_claim_photos.py",
                "models/copies.py",
                "bench/extraction.py",
                "bench/claims.py",
            },
        ),
        ("rawpy", {"models/photo.py"}),
        ("pillow_heif", {"models/photo.py"}),
        ("c2pa", {"client/provenance.py"}),
        ("rfc3161_client", {"crypto/timestamps.py"}),
        ("py_arkworks_bls12381", {"crypto/proof/curve.py", "crypto/proof/field.py"}),
    ],
)
def test_libraries_stay_in_their_module(library, allowed):
    pattern = re.compile(rf"^\s*(import|from) {library}\b", re.MULTILINE)
    users = {p.relative_to(ROOT).as_posix() for p in OWN if pattern.search(p.read_text())}
    writers = {u for u in users if u.startswith(("models/simulator/", "client/report"))}
    benches = {u for u in users if u.startswith("bench/")}
    assert users - writers - benches <= allowed


def test_sql_stays_in_the_store_and_grpc_in_transports():
    for path in OWN:
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text()
        if re.search(r"^\s*(import|from) (sqlalchemy|alembic)\b", text, re.MULTILINE):
            assert name.startswith("server/store/"), name
        if re.search(r"^\s*(import|from) grpc\b", text, re.MULTILINE):
            assert name.startswith(("server/rpc/", "client/transport")), name


def numbered_checks() -> list[str]:
    text = (ROOT / "docs" / "PROTOCOL.md").read_text()
    return [*re.findall(r"^- ([A-Z]\d+) ", text, re.MULTILINE), "W1", "W2", "W3"]


@pytest.mark.parametrize("check", numbered_checks())
def test_every_numbered_check_is_marked_in_the_code(check):
    named = re.compile(rf"\b{check}\b")
    checking = [p for p in OWN if p.relative_to(ROOT).parts[0] in ("client", "crypto", "server")]
    assert any(named.search(p.read_text()) for p in checking), f"nothing names check {check}"


def test_every_test_named_in_the_documents_exists():
    documents = [*ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md"), ROOT / "README.md"]
    for document in documents:
        for name in set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", document.read_text())):
            path, function = name
            assert (ROOT / path).is_file(), f"{document.name} names {path}"
            if function:
                assert f"def {function}(" in (ROOT / path).read_text(), (
                    f"{document.name}: {function}"
                )


def test_links_between_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_nothing_is_left_unfinished():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    if not listed:
        pytest.skip("not a git checkout")
    texts = [ROOT / name for name in listed if name.endswith((".md", ".py", ".proto", ".toml"))]
    marks = re.compile(r"^(<{7} |={7}$|>{7} )|\b(TODO|FIXME|XXX)\b|^FIGURES$", re.MULTILINE)
    for path in texts:
        if path != Path(__file__) and path.exists():
            assert not marks.search(path.read_text()), path
