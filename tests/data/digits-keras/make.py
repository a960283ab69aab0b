"""Train this folder's model.keras on the digits that scikit-learn ships.

Data  E. Alpaydin and C. Kaynak, 1998, "Optical Recognition of Handwritten Digits", UCI: 1,797
      digits of 8 × 8 pixels from 0 to 16; as scikit-learn's load_digits has it (CC BY 4.0)

None of this is needed to serve the model. It takes a throw-away environment with a backend that
trains (OpenVINO, which serves it, does not) and half a minute:

    python -m venv /tmp/digits
    /tmp/digits/bin/pip install keras==3.15.1 jax==0.12.0.1 scikit-learn==1.9.1 numpy==2.4.6
    KERAS_BACKEND=jax /tmp/digits/bin/python tests/data/digits-keras/make.py

An argument names another folder to write to. The weights come out the same each time; the file
does not, as it bears its date.

    pixels  FP32  [n, 8, 8, 1]  ink from 0 to 16
    digit   FP32  [n, 10]       the probability of each digit
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
LEAST_ACCURACY = 0.97


def build() -> keras.Sequential:
    """Two convolutions and a softmax: 9,930 weights."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="pixels"),
            keras.layers.Rescaling(1 / 16),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10, activation="softmax", name="digit"),
        ]
    )


def main() -> None:
    """Write model.keras and example.json to this folder, or to the one on the command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    digits = load_digits()
    pixels = digits.images[..., None].astype(np.float32)
    train, test, train_digit, test_digit = train_test_split(
        pixels, digits.target.astype(np.int32), test_size=0.2, random_state=0
    )
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train, train_digit, epochs=30, batch_size=32, verbose=0)
    _, accuracy = model.evaluate(test, test_digit, verbose=0)
    print(f"accuracy on {len(test)} digits that it has not seen: {accuracy:.3f}")
    if accuracy < LEAST_ACCURACY:
        raise ValueError("that is too little")
    bare = build()  # without what the optimizer keeps: half the file
    bare.set_weights(model.get_weights())
    bare.save(folder / "model.keras")
    example = {"pixels": pixels[0].astype(int).tolist()}
    (folder / "example.json").write_text(json.dumps(example) + "\n", "utf-8")


if __name__ == "__main__":
    main()
