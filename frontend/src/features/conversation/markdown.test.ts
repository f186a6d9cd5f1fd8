import { describe, expect, test } from "vitest";

import { render } from "./markdown";

function dom(text: string) {
  const root = document.createElement("div");
  root.innerHTML = render(text);
  return root;
}

describe("what is rendered", () => {
  test.each([
    ["*a* **b** ~~c~~", "em,strong,s"],
    ["`a`", "code"],
    ["```\na\n```", "pre>code"],
    ["- a\n- b", "ul>li"],
    ["3. a", 'ol[start="3"]>li'],
    ["> a", "blockquote"],
    ["a\nb", "br"],
    ["see https://example.org/a now", 'a[href="https://example.org/a"]'],
    ["[a](https://example.org)", "a"],
    ["mailto:a@example.org", "a"],
  ])("%s", (text, selectors) => {
    for (const selector of selectors.split(",")) expect(dom(text).querySelector(selector)).not.toBeNull();
  });

  test("links lead to another page that learns nothing", () => {
    const link = dom("https://example.org").querySelector("a");
    expect(link?.target).toBe("_blank");
    expect(link?.rel).toBe("noopener noreferrer nofollow");
  });

  test("each paragraph has its own direction", () => {
    expect(dom("שלום").querySelector("p")?.dir).toBe("auto");
  });
});

describe("what is not", () => {
  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<b onclick=alert(1)>x</b>",
    "![x](https://example.org/pixel.png)",
    "<svg/onload=alert(1)>",
    "<iframe src=https://example.org></iframe>",
    "# heading",
    "| a |\n|---|\n| b |",
    "***\n---",
  ])("%s is text", (text) => {
    expect(dom(text).querySelectorAll("script,img,b,svg,iframe,h1,table,hr")).toHaveLength(0);
  });

  test.each([
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,hi)",
    "[x](vbscript:x)",
    "[x](file:///etc/passwd)",
    "[x](//example.org)",
    "<javascript:alert(1)>",
    "[x](java\u0000script:alert(1))",
  ])("%s is no link", (text) => {
    for (const link of dom(text).querySelectorAll("a"))
      expect(link.getAttribute("href") ?? "").toMatch(/^(https?|mailto):|^$/);
  });

  test("what is typed stays what it is", () => {
    expect(dom("&amp; <b>&lt;").textContent?.trim()).toBe("&amp; <b>&lt;");
    expect(dom("    four blanks").querySelector("pre")).toBeNull();
  });

  test("a title smuggles in no attributes", () => {
    const link = dom('[x](https://example.org "a\\" onmouseover=alert(1)")').querySelector("a");
    expect(link?.getAttributeNames().sort()).toEqual(["href", "rel", "target"]);
  });
});
