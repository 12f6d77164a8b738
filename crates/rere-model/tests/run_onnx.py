"""Runs the ONNX models of the example `onnx` in onnxruntime, and compares the logits with those of the crate.

Needs onnx, onnxruntime and numpy: python run_onnx.py FOLDER
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-4


def array(value: dict, dtype: type) -> np.ndarray:
    return np.array(value["values"], dtype).reshape(value["shape"])


def largest_difference(path: pathlib.Path) -> float:
    """Checks a model, and computes the largest difference to the recorded outputs, of tokens without padding."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    recorded = json.loads(path.with_suffix(".json").read_text())
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    types = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
    feed = {port.name: array(recorded["inputs"][port.name], types[port.type]) for port in session.get_inputs()}
    assert ("states" in feed) or {"input_ids", "attention_mask"} <= set(feed), set(feed)
    names = [port.name for port in session.get_outputs()]
    assert sorted(names) == sorted(recorded["outputs"]), names
    mask = array(recorded["inputs"]["attention_mask"], bool) if "attention_mask" in feed else None
    differences = []
    for name, found in zip(names, session.run(None, feed), strict=True):
        expected = array(recorded["outputs"][name], np.float32)
        assert found.shape == expected.shape, f"{path.name}: {name}: expected {expected.shape}, found {found.shape}"
        assert np.isfinite(expected).all() and expected.std() > 1e-3, f"{path.name}: {name} says too little"
        difference = np.abs(found - expected)
        # Hidden states of padding have no meaning.
        is_of_tokens = mask is not None and name != "relations"
        differences.append(difference[mask].max() if is_of_tokens else difference.max())
    return float(max(differences))


def main() -> None:
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
    assert len(paths) >= 80, f"expected 5 models of each encoder, found {len(paths)} in all"
    found = {path.stem: largest_difference(path) for path in paths}
    worst = max(found, key=found.__getitem__)
    print(f"{len(found)} ONNX models; the largest difference of a logit is {found[worst]:.1e}, in {worst}")
    wrong = {name: difference for name, difference in found.items() if not difference <= TOLERANCE}
    assert not wrong, f"more than {TOLERANCE}: {wrong}"


if __name__ == "__main__":
    main()
