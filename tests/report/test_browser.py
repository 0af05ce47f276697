"""The report in a real browser, without a network."""

import shutil
from pathlib import Path

import pytest

BINARY = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--enable-unsafe-swiftshader",  # WebGL without a graphics card, for the viewer
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,1400",
)

pytestmark = pytest.mark.skipif(
    BINARY is None or DRIVER is None,
    reason="no Chromium here (Debian: apt-get install chromium chromium-driver)",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BINARY
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    # the checker of accessibility takes its time on a busy machine
    driver.command_executor.client_config.timeout = 320
    driver.set_script_timeout(300)
    yield driver
    driver.quit()


def show(browser, page):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get_log("browser")  # what an earlier page said is no matter of this one
    browser.get(page.as_uri())
    state = "return document.documentElement.dataset.chart || ''"
    WebDriverWait(browser, 120).until(lambda d: d.execute_script(state) != "")
    assert browser.execute_script(state) == "ready"
    return browser


@pytest.fixture
def opened(browser, page):
    return show(browser, page)


@pytest.fixture
def everything(browser, whole_page):
    """A report with every part; the colours are those of the system."""
    show(browser, whole_page)
    browser.execute_script("localStorage.removeItem('mgscreen-theme')")
    return show(browser, whole_page)


@pytest.fixture(scope="module")
def axe():
    """The accessibility checker's code, from the package that carries it."""
    from importlib.util import find_spec

    found = find_spec("axe_playwright_python")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("axe.min.js").read_text("utf-8")


def colours(driver, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def column(driver, index):
    script = """
        const rows = document.querySelector('#ranking table').tBodies[0].rows;
        return [...rows].map((r) => r.cells[arguments[0]].textContent.trim());
    """
    return driver.execute_script(script, index)


def ranks_of(driver):
    """Ranks without their intervals."""
    return [text.split(" ")[0] for text in column(driver, 0)]


def test_it_opens_without_an_error_and_runs_nothing_foreign(opened):
    assert opened.get_log("browser") == []
    assert opened.title.startswith("two-salts")
    assert "owned" not in opened.title
    requests = opened.execute_script(
        "return performance.getEntriesByType('resource').map((e) => e.name)"
    )
    assert [r for r in requests if not r.startswith(("data:", "blob:"))] == []


def test_the_chart_is_drawn_and_the_scale_can_be_chosen(opened):
    from selenium.webdriver.common.by import By

    assert opened.find_elements(By.CSS_SELECTOR, "#chart svg")
    radios = opened.find_elements(By.CSS_SELECTOR, "#chart input[type=radio]")
    assert [r.get_attribute("value") for r in radios] == [
        "SHE 4.44 V",
        "SHE 4.28 V",
        "work function 3.66 eV",
    ]
    inner = "return document.querySelector('#chart svg').innerHTML"
    before = opened.execute_script(inner)
    opened.execute_script("arguments[0].click()", radios[2])
    opened.execute_async_script("setTimeout(arguments[arguments.length - 1], 500)")
    assert opened.execute_script(inner) != before


def test_a_table_is_sorted_with_the_keyboard(opened):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    headers = opened.find_elements(By.CSS_SELECTOR, "#ranking thead th")
    assert ranks_of(opened)[:3] == ["1", "2", "3"]
    button = headers[0].find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)
    assert headers[0].get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.SPACE)
    assert headers[0].get_attribute("aria-sort") == "descending"
    ranks = ranks_of(opened)
    assert ranks[:3] == ["3", "2", "1"]
    # what has no rank stays at the end in either direction
    assert set(ranks[3:]).isdisjoint({"1", "2", "3"})
    headers[1].find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert headers[0].get_attribute("aria-sort") is None
    order = [name for name in column(opened, 1) if name.isascii() and name[0].isalpha()]
    assert [n[:3] for n in order] == ["BAD", "DME", "PFT", "TFS", "TOD"]


def test_a_link_opens_the_evidence_of_a_candidate(opened):
    from selenium.webdriver.common.by import By

    opened.find_element(By.CSS_SELECTOR, "#ranking tbody a[href='#c-PFTB']").click()
    details = opened.find_element(By.ID, "c-PFTB")
    opened.execute_async_script("setTimeout(arguments[arguments.length - 1], 200)")
    assert details.get_attribute("open") is not None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_schemes(opened, scheme):
    colours(opened, scheme)
    pairs = opened.execute_script(
        """
        const bright = (c) => {
          const [r, g, b] = c.match(/[0-9.]+/g).slice(0, 3).map(Number).map((v) => {
            v /= 255;
            return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const paper = getComputedStyle(document.body).backgroundColor;
        const parts = 'p, a, td, th, small, .role, .meta, caption, td.failed, td.withheld';
        return [...document.querySelectorAll(parts)].map((e) => {
          const [a, b] = [bright(getComputedStyle(e).color), bright(paper)];
          return [e.className || e.tagName, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
        });
        """
    )
    assert pairs
    # WCAG 2, level AA, normal text
    assert min(ratio for _, ratio in pairs) >= 4.5, min(pairs, key=lambda p: p[1])


def test_every_part_opens_without_an_error_or_a_request(everything):
    from selenium.webdriver.common.by import By

    assert everything.get_log("browser") == []
    assert "owned" not in everything.title
    requests = everything.execute_script(
        "return performance.getEntriesByType('resource').map((e) => e.name)"
    )
    assert [r for r in requests if not r.startswith(("data:", "blob:"))] == []
    for part in ("answer", "pairs", "coatings", "migration", "adsorption", "experiment"):
        assert everything.find_elements(By.CSS_SELECTOR, f"section#{part} h2"), part
    empty = everything.execute_script(
        "return [...document.querySelectorAll('[data-chart]')]"
        ".filter((e) => !e.querySelector('svg')).map((e) => e.dataset.chart)"
    )
    assert empty == []
    # no part is wider than the window: tables scroll inside themselves
    assert everything.execute_script(
        "return document.documentElement.scrollWidth <= window.innerWidth"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(everything, axe, scheme):
    colours(everything, scheme)
    everything.execute_script(
        "for (const d of document.querySelectorAll('details')) d.open = true;"
        "for (const b of document.querySelectorAll('.more button')) b.click();"
    )
    everything.execute_script(axe)
    found = everything.execute_async_script(
        """
        const done = arguments[arguments.length - 1];
        const options = {
          resultTypes: ["violations"],
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
        };
        axe.run(document, options).then(
          (r) => done(r.violations.map((v) => [v.id, v.help, v.nodes[0].html.slice(0, 200)])),
          (e) => done([["failed", String(e), ""]]));
        """
    )
    assert found == []


def test_details_of_a_row_are_opened_with_the_keyboard_and_sorted_along(everything):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    table = everything.find_element(By.CSS_SELECTOR, "#coatings table.grouped")
    button = table.find_element(By.CSS_SELECTOR, ".more button")
    row = everything.find_element(By.ID, button.get_attribute("aria-controls"))
    assert not row.is_displayed()
    assert button.get_attribute("aria-expanded") == "false"
    button.send_keys(Keys.ENTER)
    assert row.is_displayed()
    assert button.get_attribute("aria-expanded") == "true"
    header = table.find_elements(By.CSS_SELECTOR, "thead th")[1]
    header.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    names = everything.execute_script(
        "return [...arguments[0].tBodies].map((b) => b.rows[0].cells[1].dataset.value)", table
    )
    assert names == sorted(names, key=str.lower)
    # the details moved along with their row
    pairs = everything.execute_script(
        "return [...arguments[0].tBodies].map((b) => "
        "[b.querySelector('[data-more]').dataset.more, b.rows[1].id])",
        table,
    )
    assert all(a == b for a, b in pairs)


def test_a_structure_is_shown_in_three_dimensions(everything):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    everything.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    buttons = everything.find_elements(By.CSS_SELECTOR, "[data-structure] button")
    assert len(buttons) > 5
    everything.execute_script("arguments[0].click()", buttons[0])
    state = "return document.documentElement.dataset.viewer || ''"
    WebDriverWait(everything, 60).until(lambda d: d.execute_script(state) != "")
    assert everything.execute_script(state) == "ready"
    dialog = everything.find_element(By.ID, "viewer")
    assert dialog.is_displayed()
    assert dialog.find_elements(By.CSS_SELECTOR, "#viewer-canvas canvas")
    assert "Lattice=" in dialog.find_element(By.ID, "viewer-xyz").get_attribute("value")
    # focus is inside, and Escape leaves
    assert everything.execute_script("return arguments[0].contains(document.activeElement)", dialog)
    everything.execute_script("arguments[0].close()", dialog)
    # "rendering" is what the driver says of WebGL without a graphics card, not what the page says
    said = [entry for entry in everything.get_log("browser") if entry["source"] != "rendering"]
    assert said == []


def test_the_reader_chooses_the_colours(everything):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    colours(everything, "light")
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = everything.execute_script(paper)
    Select(everything.find_element(By.ID, "theme")).select_by_value("dark")
    dark = everything.execute_script(paper)
    assert dark != light
    everything.refresh()
    assert everything.execute_script(paper) == dark
    Select(everything.find_element(By.ID, "theme")).select_by_value("")
    assert everything.execute_script(paper) == light


def test_without_scripts_nothing_is_hidden(everything, whole_page):
    from selenium.webdriver.common.by import By

    everything.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        everything.get(whole_page.as_uri())
        rows = everything.find_elements(By.CSS_SELECTOR, "#coatings tr.detail")
        assert rows
        assert all(row.is_displayed() for row in rows)
    finally:
        everything.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
