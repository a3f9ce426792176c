"""Debian's Chromium, and finding what a person sees by role and accessible name."""

import contextlib

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WAIT_SECONDS_MAX = 30


@contextlib.contextmanager
def opened(width=1440, theme="light", height=900):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    # Debian's, not one that selenium would look for elsewhere.
    options.binary_location = "/usr/bin/chromium"
    browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": theme}]})
        yield browser
    finally:
        browser.quit()


def named(browser, roles: str, name: str):
    """The element of one of the roles with that accessible name, once it is there."""
    wanted = [role.strip() for role in roles.split(",")]
    tags = "button, a, input, textarea, select, [role]"

    def look(page):
        for element in page.find_elements(By.CSS_SELECTOR, tags):
            if element.is_displayed() and element.accessible_name == name and element.aria_role in wanted:
                return element
        return None

    return WebDriverWait(
        browser, WAIT_SECONDS_MAX, ignored_exceptions=[StaleElementReferenceException]
    ).until(look, f"a {roles} called {name!r}")
