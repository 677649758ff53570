"""The viewer in a real browser over one inspection: layers, zoom, values and measuring against the inspection's own files."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from panel_browser import WIDE, Words, axe_violations, quiet_page
from panel_station import Day
from playwright.sync_api import Browser, Locator, Page, Route, expect

from inference.foreground import foreground_of

NO_WEBGL = """
  const known = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...more) { return kind.startsWith("webgl") ? null : known.call(this, kind, ...more); };
"""
NUMBER = r"(-?\d+\.\d+)"
SAY = Words("en")


@pytest.fixture
def page(browser: Browser, day: Day) -> Iterator[Page]:
    with quiet_page(browser, WIDE, SAY.locale, cookies=day.cookies) as page:
        yield page


def test_a_part_is_looked_at_from_all_sides(day: Day, page: Page) -> None:
    address = f"{day.address}/api/v1/inspections"
    inspection = page.request.get(f"{address}/{day.parts[0]['id']}").json()
    xyz_mm = tifffile.imread(io.BytesIO(page.request.get(f"{address}/{inspection['id']}/artifacts/xyz.tiff").body()))
    page.goto(f"{day.address}/#/history/{inspection['id']}")

    layers_lie_on_one_grid(page, inspection["width_px"])
    zoom_needs_no_wheel(page)
    a_high_limit_hides_the_map(page)
    the_nearest_good_part_moves_with_this_one(page, inspection["width_px"])
    the_legend_tells_the_ends_of_the_colours(page, xyz_mm)
    values_under_the_cross_are_the_measured_ones(page, xyz_mm)
    a_step_is_measured_between_two_points(page, xyz_mm)
    large_pictures_come_in_tiles(page, inspection)
    page.add_init_script(NO_WEBGL)
    page.reload()
    tab(page, "3D cloud").click()
    expect(page.get_by_text("no WebGL")).to_be_visible()


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name, exact=True)


def layers_lie_on_one_grid(page: Page, width_px: int) -> None:
    for name in ("Pseudo-3D", "Depth", "Height", "Anomaly", "RGB"):
        tab(page, name).click()
        expect(tab(page, name)).to_have_attribute("aria-selected", "true")
        pictures = page.locator("[role=tabpanel] img")
        expect(pictures).to_have_count(2)  # the part, and the anomaly map over it
        for picture in pictures.all():
            expect(picture).to_have_js_property("naturalWidth", width_px)
        assert pictures.first.bounding_box() == pictures.last.bounding_box()


def zoom_needs_no_wheel(page: Page) -> None:
    picture = page.locator("[role=tabpanel] img").first
    width = (picture.bounding_box() or {})["width"]
    page.get_by_role("button", name="Zoom in").click()
    page.locator(".frame").focus()
    page.keyboard.press("+")
    assert (picture.bounding_box() or {})["width"] == pytest.approx(width * 1.6**2, rel=1e-3)
    page.get_by_role("button", name="Whole picture").click()
    assert (picture.bounding_box() or {})["width"] == pytest.approx(width, rel=1e-3)


def a_high_limit_hides_the_map(page: Page) -> None:
    tab(page, "Anomaly").click()
    frame = page.locator(".frame")
    page.get_by_role("slider", name="Map from").focus()
    page.keyboard.press("End")
    above_all = frame.screenshot()
    page.keyboard.press("Home")
    page.get_by_role("slider", name="Map", exact=True).focus()
    page.keyboard.press("Home")
    no_map = frame.screenshot()
    pictures = [cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).astype(np.int16) for png in (above_all, no_map)]
    assert np.abs(pictures[0] - pictures[1]).max() <= 2  # letters are drawn anew


def the_nearest_good_part_moves_with_this_one(page: Page, width_px: int) -> None:
    page.get_by_role("button", name="Compare with good").click()
    this, good = page.locator("[role=tabpanel] .frame").first.locator("img").first, page.get_by_test_id("good-part").locator("img")
    expect(good).not_to_have_js_property("naturalWidth", 0)

    def apart() -> tuple[float, float]:
        """From picture to picture, in pixels of the camera: the frames stand beside each other, so the way between them counts."""
        boxes = [picture.bounding_box() or {} for picture in (this, good)]
        frames = [page.locator("[role=tabpanel] .frame").nth(at).bounding_box() or {} for at in (0, 1)]
        scale = boxes[0]["width"] / width_px
        x, y = ((boxes[1][side] - frames[1][side] - boxes[0][side] + frames[0][side]) / scale for side in ("x", "y"))
        return x, y

    before, width = apart(), (this.bounding_box() or {})["width"]
    for frame in page.locator("[role=tabpanel] .frame").all():  # the wheel turns over either
        box = frame.bounding_box() or {}
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.wheel(0, -300)
    assert (this.bounding_box() or {})["width"] > 1.5 * width
    assert apart() == pytest.approx(before, abs=0.6)
    page.get_by_role("tab", name="Pseudo-3D").click()
    expect(good).to_have_attribute("src", re.compile("pseudo3d"))
    nothing_keeps_anybody_out(page)
    page.get_by_role("button", name="Compare with good").click()
    page.get_by_role("button", name="Whole picture").click()


def the_legend_tells_the_ends_of_the_colours(page: Page, xyz_mm: NDArray[np.float32]) -> None:
    tab(page, "Depth").click()
    told = page.get_by_test_id("legend").get_attribute("aria-label")
    assert told is not None
    ends = np.percentile(xyz_mm[..., 2][foreground_of(xyz_mm) & np.isfinite(xyz_mm[..., 2])], [0.5, 99.5])
    assert [float(n) for n in re.findall(NUMBER, told)] == pytest.approx(ends, abs=0.0051)  # the last digit


def values_under_the_cross_are_the_measured_ones(page: Page, xyz_mm: NDArray[np.float32]) -> None:
    known = foreground_of(xyz_mm) & np.isfinite(xyz_mm).all(axis=2)
    inner = known & np.roll(known, -1, axis=1)
    row, column = np.argwhere(inner)[inner.sum() // 2]
    page.get_by_role("button", name="Read values").click()
    box = page.locator("[role=tabpanel] img").first.bounding_box()
    assert box is not None
    scale = box["width"] / xyz_mm.shape[1]
    page.mouse.click(box["x"] + (column + 0.5) * scale, box["y"] + (row + 0.5) * scale)
    for at in (column, column + 1):  # where it was touched, and a pixel to the right by the keyboard
        reading = page.get_by_test_id("reading")
        # The last digit may be rounded the other way: the browser's points are quantised.
        expect(reading).to_contain_text(re.compile("|".join(f"x {xyz_mm[row, at, 0] + off:.3f}," for off in (-0.0005, 0, 0.0005))))
        z, x, y = numbers(reading)[[0, 2, 3]]
        assert (x, y, z) == pytest.approx(xyz_mm[row, at], abs=0.0011)
        page.locator(".frame").focus()
        page.keyboard.press("Shift+ArrowRight")
    nothing_keeps_anybody_out(page)


def a_step_is_measured_between_two_points(page: Page, xyz_mm: NDArray[np.float32]) -> None:
    tab(page, "3D cloud").click()
    canvas = page.get_by_test_id("cloud")
    box = canvas.bounding_box()
    assert box is not None
    for share in (0.3, 0.75):  # on the barrel, and on the fork, each brought under the cross by a touch
        page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.get_by_role("button", name="Mark point").click()
        page.get_by_role("button", name="Reset view").click()
    measured = [numbers(page.get_by_test_id(name)) for name in ("point-A", "point-B", "difference")]
    known = xyz_mm[np.isfinite(xyz_mm).all(axis=2)]
    stored = [known[np.square(known - point).sum(axis=1).argmin()] for point in measured[:2]]
    for point, own in zip(measured[:2], stored, strict=True):
        assert point == pytest.approx(own, abs=0.002)
    assert abs(measured[2][2]) > 0.5  # it is a step
    assert measured[2][2] == pytest.approx(stored[1][2] - stored[0][2], abs=0.02)
    expect(page.get_by_test_id("measured")).to_contain_text(re.compile(rf"± {NUMBER} µm in height"))
    expect(page.get_by_test_id("profile")).to_be_visible()
    nothing_keeps_anybody_out(page)
    mark = page.locator(".mark-point").first
    before = mark.get_attribute("transform")
    page.locator(".frame").focus()
    page.keyboard.press("ArrowLeft")  # turns the part, and the mark with it
    expect(mark).not_to_have_attribute("transform", before or "")
    for colour in ("Height", "Anomaly", "RGB"):
        page.get_by_role("radio", name=colour).click()
        expect(page.get_by_role("radio", name=colour)).to_be_checked()


def nothing_keeps_anybody_out(page: Page) -> None:
    assert axe_violations(page, ".viewer") == []
    for button in page.locator(".viewer button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 64


def numbers(line: Locator) -> NDArray[np.float64]:
    return np.array([float(number) for number in re.findall(NUMBER, line.inner_text())])


def large_pictures_come_in_tiles(page: Page, inspection: dict) -> None:
    """The panel is told that the pictures are large; the service cuts those that it has."""
    larger = {**inspection, "width_px": 12 * inspection["width_px"], "height_px": 12 * inspection["height_px"], "regions": []}

    def tell(route: Route) -> None:
        route.fulfill(body=json.dumps(larger), content_type="application/json")

    page.route(f"**/api/v1/inspections/{inspection['id']}", tell)
    with page.expect_response(re.compile(r"rgb_files/[89]/\d+_\d+\.jpg")) as tile:
        page.reload()
    assert tile.value.ok
    part = page.get_by_role("img", name=re.compile("^RGB of part"))
    expect(part.locator("canvas")).to_be_visible()
    with page.expect_response(re.compile(r"depth_files/[89]/\d+_\d+\.jpg")):
        tab(page, "Depth").click()
    page.get_by_role("button", name="Zoom in").click()
    expect(page.get_by_test_id("legend")).to_be_visible()
    page.unroute(f"**/api/v1/inspections/{inspection['id']}", tell)
