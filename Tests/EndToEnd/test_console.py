"""The console in a real browser, as the document that began the project has a person use it: open the workflows, press
play, fill in the inputs, execute, watch the bar."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from support.browser import WAIT_SECONDS_MAX, named, opened
from support.server import Server
from support.waiting import wait_until

#: The widths of a laptop and of a phone, and both themes.
SCREENS = [(1440, "light"), (390, "dark")]


def slow_steps(name: str, last=None) -> dict:
    steps = [{"name": step, "function": "bench.sleep", "with": {"ms": "${{ inputs.pause }}"}}
             for step in ("parse", "score", "report")]
    if last:
        steps[-1] = {"name": "report", **last}
    return {
        "name": name, "deliverable_type": "test", "steps": steps,
        "inputs": {
            "type": "object", "required": ["pause"], "properties": {
                "pause": {"type": "integer", "minimum": 1, "description": "How long each step takes, in milliseconds."},
                "kind": {"enum": ["small", "large"]}, "table": {"type": "string"}, "rules": {"type": "array"}}},
    }


@pytest.fixture(params=SCREENS, ids=[f"{width}-{theme}" for width, theme in SCREENS])
def browser(request):
    with opened(*request.param) as running:
        yield running


@pytest.fixture
def laptop():
    with opened(*SCREENS[0]) as running:
        yield running


def watch_bar(browser) -> list:
    """What the bar says, each value once with the sentence beside it, until the execution is over."""
    seen = []

    def look(page):
        found = page.execute_script("""
            const bar = document.querySelector('[role=progressbar]');
            return bar && [bar.getAttribute('aria-valuenow'), document.querySelector('.now').innerText,
                           document.querySelector('.now .badge')?.innerText ?? ''];""")
        if found and (not seen or seen[-1][:2] != found[:2]):
            seen.append(found)
        return found and ("completed" in found[2] or "failed" in found[2])

    WebDriverWait(browser, WAIT_SECONDS_MAX, poll_frequency=0.02).until(look)
    return seen


def start(browser, server, workflow: str, pause: int) -> None:
    """What a person does, by the names that a screen reader says."""
    browser.get(f"{server.url}/workflows")
    named(browser, "button", f"Start {workflow}").click()
    named(browser, "spinbutton, textbox", "pause").send_keys(str(pause))
    named(browser, "button", "Execute workflow").click()


def test_a_person_starts_a_workflow_and_watches_its_bar(binary, data_dir, browser):
    with Server(binary, data_dir) as server:
        server.put_workflow(slow_steps("slow"))
        start(browser, server, "slow", 700)
        seen = watch_bar(browser)
        values = [value for value, _, _ in seen]
        assert [value for value in dict.fromkeys(values)] == ["0", "33", "66", "100"], seen
        for value, step in (("0", "parse"), ("33", "score"), ("66", "report")):
            assert any(value == shown and step in sentence for shown, sentence, _ in seen), seen
        assert browser.find_element(By.TAG_NAME, "h1").text == "slow"
        execution = browser.current_url.rsplit("/", 1)[1]
        # The strip of outcomes leads back to the run.
        browser.get(f"{server.url}/workflows")
        run = WebDriverWait(browser, WAIT_SECONDS_MAX).until(
            lambda page: page.find_element(By.CSS_SELECTOR, ".strip a"))
        assert run.get_attribute("href").endswith(execution) and "completed" in run.get_attribute("aria-label")


def test_a_failure_is_on_top_with_its_step_and_message(binary, data_dir, browser):
    failing = {"function": "bench.fail", "with": {}, "retry": {"max_attempts": 1}}
    with Server(binary, data_dir) as server:
        server.put_workflow(slow_steps("failing", failing))
        start(browser, server, "failing", 20)
        seen = watch_bar(browser)
        assert "report failed" in seen[-1][1] and seen[-1][2].endswith("failed"), seen
        failure = browser.find_element(By.CSS_SELECTOR, ".failure").text
        assert "report failed" in failure and "attempt 1 fails as asked" in failure and "bench_failure" in failure


def test_what_the_server_refuses_stands_beside_its_field_and_nothing_typed_is_lost(binary, data_dir, laptop):
    with Server(binary, data_dir) as server:
        server.put_workflow(slow_steps("slow"))
        laptop.get(f"{server.url}/workflows")
        named(laptop, "button", "Start slow").click()
        table = named(laptop, "textbox", "table")
        table.send_keys("a,b")
        named(laptop, "button", "Execute workflow").click()
        pause = named(laptop, "spinbutton, textbox", "pause")
        WebDriverWait(laptop, WAIT_SECONDS_MAX).until(lambda _: pause.get_attribute("aria-invalid") == "true")
        pause.send_keys("0")
        named(laptop, "button", "Execute workflow").click()
        described = pause.get_attribute("aria-describedby").split()[1]
        fault = laptop.find_element(By.ID, described)
        WebDriverWait(laptop, WAIT_SECONDS_MAX).until(lambda _: "1" in fault.text)
        assert table.get_attribute("value") == "a,b"
        # The same value as JSON and back.
        named(laptop, "button", "Edit as JSON").click()
        raw = named(laptop, "textbox", "Inputs as JSON")
        assert '"table": "a,b"' in raw.get_attribute("value")
        raw.clear()
        raw.send_keys('{"pause": ')
        named(laptop, "button", "Execute workflow").click()
        assert "no JSON" in laptop.find_element(By.CSS_SELECTOR, "dialog.start").text
        raw.send_keys("5}")
        named(laptop, "button", "Execute workflow").click()
        assert watch_bar(laptop)[-1][0] == "100"


def test_the_bar_goes_on_when_the_server_is_killed_and_comes_back(binary, data_dir, laptop):
    server = Server(binary, data_dir).start()
    server.put_workflow(slow_steps("slow"))
    start(laptop, server, "slow", 1500)
    WebDriverWait(laptop, WAIT_SECONDS_MAX).until(lambda page: page.execute_script(
        "return document.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow') === '33'"))
    laptop.execute_script("window.isSamePage = true")
    port = server.url.rsplit(":", 1)[1]
    server.kill()
    server.__exit__()
    WebDriverWait(laptop, WAIT_SECONDS_MAX).until(
        lambda page: "connection is lost" in page.find_element(By.CSS_SELECTOR, ".banner").text)
    with Server(binary, data_dir, arguments=["--port", port]):
        values = [value for value, _, _ in watch_bar(laptop)]
        assert values == sorted(values, key=int) and values[-1] == "100"
        assert laptop.execute_script("return window.isSamePage")
        wait_until("the banner goes", lambda: not laptop.find_element(By.CSS_SELECTOR, ".banner").is_displayed())


def test_a_run_is_cancelled_and_run_again_with_the_same_inputs(binary, data_dir, laptop):
    with Server(binary, data_dir) as server:
        server.put_workflow(slow_steps("slow"))
        start(laptop, server, "slow", 60_000)
        named(laptop, "button", "Cancel").click()
        def is_cancelled(page):
            return page.execute_script("return document.querySelector('.now')?.innerText.includes('cancelled')")

        WebDriverWait(laptop, WAIT_SECONDS_MAX).until(is_cancelled)
        before = laptop.current_url
        named(laptop, "button", "Run again with these inputs").click()
        WebDriverWait(laptop, WAIT_SECONDS_MAX).until(lambda page: page.current_url != before)
        again = server.get(f"/api/v1/executions/{laptop.current_url.rsplit('/', 1)[1]}")
        assert again["inputs"] == {"pause": 60_000}
        named(laptop, "button", "Cancel").click()
        WebDriverWait(laptop, WAIT_SECONDS_MAX).until(is_cancelled)


def test_an_address_that_names_no_execution_says_so(binary, data_dir, laptop):
    with Server(binary, data_dir) as server:
        for address, said in (("018f0000-0000-7000-8000-000000000000", "No execution has this identifier"),
                              ("nonsense", "There is nothing to follow")):
            laptop.get(f"{server.url}/executions/{address}")
            WebDriverWait(laptop, WAIT_SECONDS_MAX).until(
                lambda page: said in page.find_element(By.CSS_SELECTOR, ".banner").text)


def test_everything_of_the_walk_is_done_by_keyboard(binary, data_dir, laptop):
    with Server(binary, data_dir) as server:
        server.put_workflow(slow_steps("slow"))
        laptop.get(f"{server.url}/workflows")
        named(laptop, "button", "Start slow")
        page = laptop.find_element(By.TAG_NAME, "body")
        page.send_keys("/")
        laptop.switch_to.active_element.send_keys("slo")
        for _ in range(5):
            laptop.switch_to.active_element.send_keys(Keys.TAB)
            if laptop.switch_to.active_element.accessible_name == "Start slow":
                break
        laptop.switch_to.active_element.send_keys(Keys.ENTER)
        WebDriverWait(laptop, WAIT_SECONDS_MAX).until(
            lambda page: page.switch_to.active_element.accessible_name == "pause")
        laptop.switch_to.active_element.send_keys("5")
        while laptop.switch_to.active_element.accessible_name != "Execute workflow":
            laptop.switch_to.active_element.send_keys(Keys.TAB)
        laptop.switch_to.active_element.send_keys(Keys.ENTER)
        assert watch_bar(laptop)[-1][0] == "100"
