"""One COCO file per split: images, annotations with run lengths, categories.

(Lin et al. 2014, Microsoft COCO: Common Objects in Context; the format of its object detection files.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_sam2.dataset.rle import area_of
from napari_sam2.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_sam2.dataset.sheet import ObjectSheet, Sheet, StackSheet

__all__ = ["Page", "PageMask", "coco_of", "read_pages"]


@dataclass(frozen=True, slots=True)
class PageMask:
    """One object on one page.

    Parameters
    ----------
    object_id : int
        Value in the labels.
    rle : mapping
        Its pixels; see `napari_sam2.dataset.rle`.
    box : tuple of int
        ``(y0, x0, y1, x1)``, half open.
    """

    object_id: int
    rle: Mapping[str, Any]
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Page:
    """One frame of a stack in the set.

    Parameters
    ----------
    frame : int
        In the original stack.
    masks : tuple of PageMask
        Ascending.
    not_annotated : tuple of int
        Objects of the stack of which the labels say nothing here.
    """

    frame: int
    masks: tuple[PageMask, ...]
    not_annotated: tuple[int, ...] = ()


def coco_of(sheet: Sheet, split: str, pages: Mapping[str, Sequence[Page]]) -> dict[str, Any]:
    """Make the COCO file of a split.

    Parameters
    ----------
    sheet : Sheet
        Of the whole set; its categories have the same ids in every split.
    split : str
        Which.
    pages : mapping of str to sequence of Page
        By name of the stack, in the order of the frames.

    Returns
    -------
    dict
        JSON's types. Beside COCO's own entries, an image has ``stack``, ``page`` (in the TIFF file), ``frame`` (in the
        original), ``labels`` and ``not_annotated``; an annotation has ``object_id``, ``prompts`` and ``accepted``.
    """
    categories = {name: i for i, name in enumerate(sheet.categories, start=1)}
    stacks = [stack for stack in sheet.stacks if stack.split == split]
    licences = {
        name: i
        for i, name in enumerate(sorted({stack.credit.licence for stack in stacks} - {""}), 1)
    }
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for stack in stacks:
        objects = {one.object_id: one for one in stack.objects}
        for number, page in enumerate(pages[stack.name]):
            image = _image(stack, number, page, len(images) + 1)
            if stack.credit.licence:
                image["license"] = licences[stack.credit.licence]
            images.append(image)
            for mask in page.masks:
                annotation = _annotation(objects[mask.object_id], page, mask, categories)
                annotations.append(
                    {"id": len(annotations) + 1, "image_id": image["id"], **annotation}
                )
    return {
        "info": {
            "description": f"{split} part of a training set for interactive segmentation",
            "version": sheet.made_by,
            "year": int(sheet.date[:4]),
            "date_created": sheet.date,
            "contributor": "; ".join(sorted({s.credit.author for s in stacks} - {""})),
        },
        "licenses": [{"id": i, "name": name, "url": ""} for name, i in licences.items()],
        "categories": [
            {"id": i, "name": name, "supercategory": "object"} for name, i in categories.items()
        ],
        "images": images,
        "annotations": annotations,
    }


def _image(stack: StackSheet, number: int, page: Page, image_id: int) -> dict[str, Any]:
    height, width = stack.plane_shape
    return {
        "id": image_id,
        "file_name": f"{stack.place}/image.tif",
        "height": height,
        "width": width,
        "stack": stack.name,
        "page": number,
        "frame": page.frame,
        "labels": f"{stack.place}/labels.tif",
        "not_annotated": list(page.not_annotated),
    }


def _annotation(
    one: ObjectSheet, page: Page, mask: PageMask, categories: Mapping[str, int]
) -> dict[str, Any]:
    y0, x0, y1, x1 = mask.box
    return {
        "category_id": categories[one.name or "object"],
        "segmentation": dict(mask.rle),
        "area": area_of(mask.rle),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": 0,
        "object_id": mask.object_id,
        "prompts": dict(one.prompts.get(page.frame, {})),
        "accepted": page.frame in one.accepted,
    }


def read_pages(path: Path) -> dict[str, list[Page]]:
    """Read the pages of every stack from a COCO file that `coco_of` made.

    Raises
    ------
    DatasetError
        If it is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        masks: dict[int, list[PageMask]] = {image["id"]: [] for image in content["images"]}
        for entry in content["annotations"]:
            x, y, width, height = entry["bbox"]
            mask = PageMask(
                entry["object_id"], entry["segmentation"], (y, x, y + height, x + width)
            )
            if area_of(mask.rle) != entry["area"]:
                raise DatasetError(f"annotation {entry['id']} has other run lengths than its area")
            masks[entry["image_id"]].append(mask)
        pages: dict[str, list[Page]] = {}
        for image in sorted(content["images"], key=lambda one: (one["stack"], one["page"])):
            page = Page(image["frame"], tuple(masks[image["id"]]), tuple(image["not_annotated"]))
            pages.setdefault(image["stack"], []).append(page)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"{path} is damaged ({type(error).__name__}: {error}); use a copy of the set."
        ) from error
    return pages
