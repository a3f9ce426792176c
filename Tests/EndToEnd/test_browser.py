"""Pages in a real browser: what a person sees and can do, which a client that speaks HTTP by itself does not show."""

import pytest
from selenium.common.exceptions import JavascriptException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from support.approvals import gated
from support.browser import WAIT_SECONDS_MAX, opened
from support.contract import types
from support.server import Server
from support.tokens import Callers, in_an_hour


@pytest.fixture
def browser():
    with opened() as running:
        yield running


def heading(browser, text: str) -> str:
    """The page's text once it is there whole, under that heading; looked at in one go, for a page may go meanwhile."""
    def look(page):
        title, body, state = page.execute_script(
            "return [document.querySelector('h1')?.innerText, document.body?.innerText, document.readyState]")
        return body if (title, state) == (text, "complete") else None

    return WebDriverWait(browser, WAIT_SECONDS_MAX, ignored_exceptions=[JavascriptException]).until(look)


def test_an_approver_mends_what_does_not_fit_and_decides_by_the_page_of_a_link(binary, data_dir, tmp_path, browser):
    callers = Callers(tmp_path / "callers", {"olga": {"roles": ["operator"]}})
    form = {"type": "object", "required": ["ticket"], "properties": {"ticket": {"type": "string"}}}
    with Server(binary, data_dir, arguments=callers.arguments) as server:
        server.session.headers["authorization"] = callers.session("olga").headers["authorization"]
        server.put_workflow(gated(reason="<b>look</b> & see", form=form))
        execution = server.execute("gated", wait="1s")["execution_id"]
        link = f"{server.url}/approvals/{callers.link(f'{execution}:gate:review', 'stewards', in_an_hour())}"

        browser.get(link)
        assert "<b>look</b> & see" in heading(browser, "A decision is asked for")
        browser.find_element(By.NAME, "comment").send_keys("seen")
        browser.find_element(By.NAME, "form").send_keys('{"ticket": 7}')
        browser.find_element(By.CSS_SELECTOR, "button[value=approve]").click()
        assert "ticket" in heading(browser, "Your decision is not recorded yet")
        assert "approval_vote" not in types(server.events(execution))

        browser.back()
        heading(browser, "A decision is asked for")
        field = browser.find_element(By.NAME, "form")
        field.clear()
        field.send_keys('{"ticket": "T-7"}')
        browser.find_element(By.NAME, "comment").clear()
        browser.find_element(By.NAME, "comment").send_keys("seen")
        browser.find_element(By.CSS_SELECTOR, "button[value=approve]").click()
        assert "granted" in heading(browser, "Your decision is recorded")
        vote = next(event for event in server.events(execution) if event["type"] == "approval_vote")
        assert (vote["data"]["approver"], vote["data"]["comment"]) == ("stewards", "seen")

        browser.get(link)
        heading(browser, "This link decides nothing")
