"""A small model, trained once for all tests."""

from pathlib import Path

import pytest

import rere

SMALL = Path(__file__).parents[3] / "datasets" / "small"

# A network with random weights learns enough of the generated corpus in seconds.
SETTINGS = {
    "encoder": {"random": {"model_type": "bilstm", "embedding_size": 64, "direction_size": 64, "layers": 1}},
    "rere": {
        "relation": {"epochs": 3, "batch": 8, "learning_rate": 1e-2, "loss": {"name": "bce"}},
        "entity": {"epochs": 3, "batch": 8, "learning_rate": 1e-2},
    },
}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model."""
    folder = tmp_path_factory.mktemp("model") / "small"
    rere.train(SETTINGS, folder, train=SMALL / "train.jsonl", dev=SMALL / "dev.jsonl")
    return folder


@pytest.fixture(scope="session")
def extractor(model: Path) -> rere.Extractor:
    return rere.Extractor.load(model, threads=2)


@pytest.fixture(scope="session")
def sentences() -> list[rere.Sentence]:
    """Gold sentences of the test set."""
    return rere.read(SMALL / "test.jsonl")
