"""Data sets in Parquet files, as model hubs hold them."""

import io
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from own_data import CLASSES, arrays, entry, refused, split
from PIL import Image

from aann.datasets import sources


def encoded(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def described(names):
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    return {"huggingface": json.dumps({"info": {"features": features}})}


def write(path, first, last, names=CLASSES, as_struct=True, **columns):
    """Write some of the pictures."""
    images, labels = arrays(last)
    contents = [encoded(image) for image in images[first:]]
    image = [{"bytes": content, "path": f"{index}.png"} for index, content in enumerate(contents)]
    table = pyarrow.table({"image": image if as_struct else contents, "label": labels[first:]} | columns)
    pyarrow.parquet.write_table(table.replace_schema_metadata(described(names) if names else None), path)
    return str(path)


@pytest.mark.parametrize("as_struct", [True, False])
def test_images_of_several_files_are_read(tmp_path, as_struct):
    one, two = (write(tmp_path / f"{n}.parquet", n * 9, n * 9 + 9, as_struct=as_struct) for n in (0, 1))
    test = write(tmp_path / "test.parquet", 18, 30, as_struct=as_struct)
    files = {"train": [one, two], "test": [test]}
    made, described = split("parquet", files=files, validation_share=0.3)
    images, labels = arrays(30)
    assert np.array_equal(made["test"].images[:, 0], images[18:])
    assert np.array_equal(made["test"].labels, labels[18:])
    assert (len(made["train"]), len(made["validation"])) == (12, 6)
    assert described["counts"] == {"images": 30, "unreadable": 0}
    assert [str(path) for path in sources.files(entry("parquet", files=files), None)] == [one, two, test]


def test_names_of_classes_are_those_of_the_file(tmp_path):
    path = write(tmp_path / "x.parquet", 0, 30)
    assert split("parquet", files={"train": [path]}, classes=3)[1]["classes"] == CLASSES
    other = "the data have 3 classes (apple, pear, plum), the setting has plum, pear, apple"
    refused("parquet", other, files={"train": [path]}, classes=CLASSES[::-1])
    nameless = write(tmp_path / "y.parquet", 0, 30, names=None)
    assert split("parquet", files={"train": [nameless]}, classes=3)[1]["classes"] == ["0", "1", "2"]
    texts = write(tmp_path / "z.parquet", 0, 30, names=None, label=[CLASSES[n % 3] for n in range(30)])
    assert split("parquet", files={"train": [texts]}, classes=3)[1]["classes"] == CLASSES


def test_files_that_number_classes_otherwise_are_refused(tmp_path):
    train = write(tmp_path / "x.parquet", 0, 30)
    for part, names in (("train", CLASSES[::-1]), ("test", CLASSES[::-1])):
        other = write(tmp_path / f"{part}.parquet", 0, 30, names=names)
        files = {"train": [train]}
        files[part] = [*files.get(part, []), other]
        line = f"{part}.parquet: numbers the classes plum, pear, apple, but {train} numbers them apple, pear, plum"
        refused("parquet", line, files=files, classes=3)
    nameless = write(tmp_path / "nameless.parquet", 0, 30, names=None)
    made, described = split("parquet", files={"train": [nameless], "test": [train]}, classes=3)
    assert described["classes"] == CLASSES
    assert np.array_equal(made["test"].labels, arrays(30)[1])


def test_of_several_columns_of_images_that_of_a_usual_name_is_taken(tmp_path):
    masks = [encoded(np.zeros((9, 9), np.uint8))] * 30
    table = pyarrow.parquet.read_table(write(tmp_path / "x.parquet", 0, 30)).add_column(0, "mask", [masks])
    pyarrow.parquet.write_table(table, tmp_path / "masks.parquet")
    files = {"train": [str(tmp_path / "masks.parquet")]}
    found, expected = (
        split("parquet", files=one)[0]["test"] for one in (files, {"train": [str(tmp_path / "x.parquet")]})
    )
    assert np.array_equal(found.images, expected.images)
    pyarrow.parquet.write_table(table.rename_columns(["mask", "photo", "label"]), tmp_path / "masks.parquet")
    refused("parquet", "has several columns of images: mask, photo; name one with image", files=files)
    assert split("parquet", files=files, image="photo")[0].keys() == {"train", "validation", "test"}


def test_columns_are_found_or_named(tmp_path):
    path = write(tmp_path / "x.parquet", 0, 30, sort=np.arange(30) % 3)
    refused(
        "parquet",
        "has no column 'kind'; name one with label: it has image, label, sort",
        files={"train": [path]},
        label="kind",
    )
    refused("parquet", "column 'sort' is of int64, not of images", files={"train": [path]}, image="sort")
    assert split("parquet", files={"train": [path]}, label="sort", image="image")
    numbers = pyarrow.table({"x": [1, 2], "label": [0, 1]})
    pyarrow.parquet.write_table(numbers, tmp_path / "y.parquet")
    lacks = "y.parquet: has no column of images that is known as one; name one with image: it has x, label"
    refused("parquet", lacks, files={"train": [str(tmp_path / "y.parquet")]})


def test_what_is_wrong_in_a_file_is_named(tmp_path):
    path = tmp_path / "x.parquet"
    refused("parquet", "x.parquet: there is no such file", files={"train": [str(path)]})
    path.write_bytes(b"PAR1 no")
    refused("parquet", "x.parquet: cannot be read as Parquet (", files={"train": [str(path)]})
    write(path, 0, 30)
    path.write_bytes(path.read_bytes()[:2000] + bytes(50) + path.read_bytes()[2050:])
    refused("parquet", "x.parquet: ", files={"train": [str(path)]})
    contents = [encoded(image) for image in arrays(30)[0]]
    files = {"train": [write(path, 0, 30, image=[*contents[:-1], contents[0][:60]])]}
    refused("parquet", "x.parquet: row 29: cannot be read as an image (", "skip_unreadable: true", files=files)
    assert split("parquet", files=files, skip_unreadable=True)[1]["counts"] == {"images": 29, "unreadable": 1}
    files = {"train": [write(path, 0, 30, image=[*contents[:-1], None])]}
    refused("parquet", "x.parquet: row 29 has no bytes in image", files=files)
    files = {"train": [write(path, 0, 30, label=[*arrays(29)[1], None])]}
    refused("parquet", "x.parquet: row 29 has no label", files=files)
    files = {"train": [write(path, 0, 30, label=[*arrays(29)[1], -1])]}
    refused("parquet", "train labels: hold -1", files=files)


def test_real_images_are_read(real_data, tmp_path):
    whole = pyarrow.parquet.read_table(real_data / "cifar10/test-00000-of-00001.parquet").slice(0, 500)
    pyarrow.parquet.write_table(whole, tmp_path / "part.parquet")
    made, described = split(
        "parquet", files={"train": [str(tmp_path / "part.parquet")]}, size=[32, 32], channels=3, classes=10
    )
    assert described["classes"][:3] == ["airplane", "automobile", "bird"]
    assert sum(map(len, made.values())) == 500
    row = whole.slice(0, 1).to_pylist()[0]
    expected = np.asarray(Image.open(io.BytesIO(row["image"]["bytes"]))).transpose(2, 0, 1)
    found = {
        image.tobytes(): label for part in made.values() for image, label in zip(part.images, part.labels, strict=True)
    }
    assert found[expected.tobytes()] == row["label"]
