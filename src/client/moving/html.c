/*
 * HTML as text near Markdown. libxml2 reads the HTML, whatever its nesting.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include <libxml/HTMLparser.h>
#include <limits.h>
#include <string.h>

struct html_writer {
    struct quire_buffer *out;
    size_t newlines; /* at the end of out */
    bool failed;
};

static void put(struct html_writer *writer, const char *text, size_t size)
{
    if (size > 0 && quire_buffer_append(writer->out, text, size) != QUIRE_OK) {
        writer->failed = true;
    }
    if (size > 0) {
        writer->newlines = 0;
    }
}

static void put_text(struct html_writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

/* At least `count` line ends, none at the start. */
static void break_lines(struct html_writer *writer, size_t count)
{
    while (writer->out->size > 0 && writer->newlines < count) {
        size_t newlines = writer->newlines + 1;
        put(writer, "\n", 1);
        writer->newlines = newlines;
    }
}

/* Runs of white space are one space. */
static void put_words(struct html_writer *writer, const char *text)
{
    while (*text != 0) {
        size_t space = strspn(text, " \t\r\n");
        if (space > 0 && writer->newlines == 0 && writer->out->size > 0) {
            put(writer, " ", 1);
        }
        text += space;
        size_t size = strcspn(text, " \t\r\n");
        put(writer, text, size);
        text += size;
    }
}

static bool is(const xmlNode *node, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp((const char *)node->name, *names) == 0) {
            return true;
        }
    }
    return false;
}

static const char *const paragraphs[] = {"p", "div", "blockquote", "ul", "ol", "table", "pre", "h1",
    "h2", "h3", "h4", "h5", "h6", "section", "article", NULL};
static const char *const lines[] = {"li", "tr", "dt", "dd", NULL};
static const char *const strong[] = {"b", "strong", NULL};
static const char *const emphasis[] = {"i", "em", NULL};
static const char *const hidden[] = {"script", "style", "head", "title", "meta", NULL};

static void put_attribute(struct html_writer *writer, xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
    put_words(writer, value == NULL ? "" : (const char *)value);
    xmlFree(value);
}

static void open_node(struct html_writer *writer, xmlNode *node)
{
    const char *name = (const char *)node->name;
    if (is(node, paragraphs)) {
        break_lines(writer, strcmp(name, "div") == 0 ? 1 : 2);
        if (name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
            put_text(writer, &"###### "[6 - (name[1] - '0')]);
        }
    } else if (is(node, lines)) {
        break_lines(writer, 1);
        put_text(writer, strcmp(name, "li") == 0 ? "- " : "");
    } else if (strcmp(name, "br") == 0) {
        size_t newlines = writer->newlines + 1;
        put(writer, "\n", 1);
        writer->newlines = newlines;
    } else if (strcmp(name, "hr") == 0) {
        break_lines(writer, 2);
        put_text(writer, "---");
        break_lines(writer, 2);
    } else if (is(node, strong)) {
        put_text(writer, "**");
    } else if (is(node, emphasis)) {
        put_text(writer, "*");
    } else if (strcmp(name, "a") == 0) {
        put_text(writer, "[");
    } else if (strcmp(name, "img") == 0) {
        put_text(writer, "![");
        put_attribute(writer, node, "alt");
        put_text(writer, "](");
        put_attribute(writer, node, "src");
        put_text(writer, ")");
    } else if (strcmp(name, "td") == 0 || strcmp(name, "th") == 0) {
        put_text(writer, node->prev == NULL ? "" : " | ");
    }
}

static void close_node(struct html_writer *writer, xmlNode *node)
{
    const char *name = (const char *)node->name;
    if (is(node, paragraphs)) {
        break_lines(writer, strcmp(name, "div") == 0 ? 1 : 2);
    } else if (is(node, lines)) {
        break_lines(writer, 1);
    } else if (is(node, strong)) {
        put_text(writer, "**");
    } else if (is(node, emphasis)) {
        put_text(writer, "*");
    } else if (strcmp(name, "a") == 0) {
        put_text(writer, "](");
        put_attribute(writer, node, "href");
        put_text(writer, ")");
    }
}

/* Without recursion: the depth of the nesting is the file's. */
static void walk(struct html_writer *writer, xmlNode *root)
{
    xmlNode *node = root;
    while (node != NULL) {
        bool element = node->type == XML_ELEMENT_NODE;
        if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
            put_words(writer, node->content == NULL ? "" : (const char *)node->content);
        } else if (element) {
            open_node(writer, node);
        }
        if (element && node->children != NULL && !is(node, hidden)) {
            node = node->children;
            continue;
        }
        if (element) {
            close_node(writer, node);
        }
        while (node != root && node->next == NULL) {
            node = node->parent;
            if (node != NULL && node->type == XML_ELEMENT_NODE) {
                close_node(writer, node);
            }
            if (node == NULL || node == root) {
                return;
            }
        }
        node = node == root ? NULL : node->next;
    }
}

static void ignore_error(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

enum quire_status qr_moving_html_text(struct quire_bytes html, struct quire_buffer *out_text)
{
    if (html.size == 0 || html.size > INT_MAX) {
        return QUIRE_OK;
    }
    xmlSetGenericErrorFunc(NULL, ignore_error);
    htmlDocPtr document = htmlReadMemory((const char *)html.data, (int)html.size, NULL, "UTF-8",
        HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET
            | HTML_PARSE_NOIMPLIED);
    struct html_writer writer = {.out = out_text};
    if (document == NULL) {
        return quire_buffer_append(out_text, html.data, html.size);
    }
    for (xmlNode *node = document->children; node != NULL; node = node->next) {
        if (node->type == XML_ELEMENT_NODE || node->type == XML_TEXT_NODE) {
            walk(&writer, node);
        }
    }
    xmlFreeDoc(document);
    while (out_text->size > 0 && strchr(" \n", out_text->data[out_text->size - 1]) != NULL
        && out_text->data[out_text->size - 1] != 0) {
        out_text->size--;
    }
    return writer.failed ? QUIRE_ENOMEM : QUIRE_OK;
}
