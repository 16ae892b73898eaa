/* Sphinx's search, told two things about this site: the pages of docs/ stand at its top, and what a result says begins with
the page's own text (at an entry of the glossary: with what it says there), not with its buttons. */

Scorer.score = (result) => {
  result[0] = result[0].replace(/^docs\//, "");
  return result[4];
};

Search.htmlToText = (html, anchor) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const node of page.querySelectorAll(".headerlink, script, style")) node.remove();
  const found = anchor ? page.querySelector(`article ${anchor}`)?.closest("li, section") : null;
  return (found ?? page.querySelector("article"))?.textContent ?? "";
};
