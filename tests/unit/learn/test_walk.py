"""What a lesson shows of itself, and the pages made from it."""

from __future__ import annotations

import pytest

from deepfit.learn.page import html, markdown
from deepfit.learn.walk import Code, walk
from deepfit.report.view import Figure, Table

pytestmark = pytest.mark.usefixtures("toy_lesson")


def test_code_comes_just_before_what_it_made_and_each_definition_once_before_its_first_use():
    items = list(walk("toy"))
    assert [type(item) for item in items] == [str, Code, str, Code, Figure, Figure, Table]
    assert items[1].text == (
        'RATE = 3\n\ndef times(x):\n    """x by the rate."""\n    return RATE * x\n\n'
        "# a reason\na = times(2 + seed)\n\nb = times(a)"
    )
    assert items[3].text.startswith("from markupsafe import Markup\nfrom deepfit.report.view import Figure")
    assert not any("unused" in item.text for item in items if isinstance(item, Code))


def test_a_long_caption_is_left_out_of_the_code_since_it_stands_below_the_picture():
    code = list(walk("toy"))[3].text
    assert 'yield Figure(Markup("<svg></svg>"), "...")' in code


def test_prose_loses_its_indentation_and_the_seed_reaches_the_lesson():
    items = list(walk("toy", seed=1))
    assert items[0] == "First, **words** about `times`.\n\n## See the lesson `depth`"
    assert items[2] == "Six is 9."


def test_the_html_page_shows_everything_escaped_and_loads_nothing():
    page = html("toy", 0, walk("toy"))
    assert '<h1 class="lesson">A &lt;toy&gt;</h1>' in page
    assert "<strong>words</strong>" in page
    assert (
        "<figure><svg></svg><figcaption>A long caption that says what is to be seen here: 18 &lt; 99." in page
    )
    assert '<td class="word">a|b</td>' in page
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


def test_the_documentation_page_has_the_code_the_picture_inline_and_links_to_other_lessons():
    page = markdown("toy", 0, walk("toy"))
    assert page.startswith("# A <toy>\n")
    assert "```python\nRATE = 3\n" in page
    assert '<figure class="lesson"><svg></svg><figcaption>' in page
    assert "## See the [lesson `depth`](depth.md)" in page
    assert "| a\\|b | 18 |" in page
    assert "deepfit.learn.toy" in page
