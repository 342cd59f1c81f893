/*
 * A page to print: entries as HTML, their Markdown made by cmark in its safe mode. The page fetches
 * nothing: its policy forbids all requests, so a picture that is linked from the web stays a link.
 */
#include "client/moving/format.h"
#include "client/text.h"
#include <cmark.h>
#include <inttypes.h>
#include <stdlib.h>

static const char style[] =
    "@page{margin:2cm}"
    "body{font:11pt/1.5 serif;max-width:42em;margin:2em auto;padding:0 1em;color:#111;background:#fff}"
    "article{margin:0 0 2.5em;padding-top:1em;border-top:1px solid #bbb}"
    "header,h2{break-after:avoid}h2{margin:0;font-size:1.3em}p.facts{margin:.2em 0 1em;color:#555;font-size:.9em}"
    "p,li,blockquote{orphans:2;widows:2}pre{white-space:pre-wrap}img{max-width:100%}"
    "table{border-collapse:collapse}";

static void write_escaped(FILE *file, struct quire_bytes text)
{
    while (text.size > 0) {
        size_t size = 0;
        uint32_t point = qr_client_text_next(text, &size);
        size = size == 0 ? 1 : size;
        if (point == '<') {
            fputs("&lt;", file);
        } else if (point == '>') {
            fputs("&gt;", file);
        } else if (point == '&') {
            fputs("&amp;", file);
        } else if (point == '"') {
            fputs("&quot;", file);
        } else if (point >= 0x20 || point == '\n' || point == '\t') {
            fwrite(text.data, 1, size, file);
        }
        text.data += size;
        text.size -= size;
    }
}

bool qr_moving_html_begin(FILE *file, size_t count)
{
    return fprintf(file,
               "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
               "style-src 'unsafe-inline'\">\n"
               "<meta name=\"referrer\" content=\"no-referrer\">\n"
               "<title>Journal</title>\n<style>%s</style>\n</head>\n<body>\n<h1>Journal</h1>\n"
               "<p class=\"facts\">%zu %s</p>\n",
               style, count, count == 1 ? "entry" : "entries")
        > 0;
}

static void write_facts(FILE *file, const struct qr_moving_entry *entry)
{
    const char *before = "";
    fputs("<p class=\"facts\" dir=\"auto\">", file);
    char date[40];
    if (entry->has_date && qr_moving_date_text(entry->date_ms, date)) {
        date[10] = ' ';
        fprintf(file, "<time datetime=\"%.10sT%s\">%.16s</time>", date, date + 11, date);
        before = " · ";
    }
    if (entry->has_mood) {
        fprintf(file, "%smood %" PRId64, before, entry->mood);
        before = " · ";
    }
    for (size_t i = 0; i < entry->tags.count; i++) {
        fputs(i == 0 ? before : " ", file);
        fputc('#', file);
        write_escaped(file, quire_buffer_bytes(&entry->tags.items[i].name));
        before = " · ";
    }
    for (size_t i = 0; i < entry->emotions.count; i++) {
        fputs(i == 0 ? before : ", ", file);
        write_escaped(file, quire_buffer_bytes(&entry->emotions.items[i].name));
        fprintf(file, " %" PRId64, entry->emotions.items[i].value);
    }
    fputs(entry->deleted ? " · deleted</p>\n" : "</p>\n", file);
}

bool qr_moving_html_entry(FILE *file, const struct qr_moving_entry *entry)
{
    fputs("<article>\n<header>\n", file);
    if (entry->has_title && entry->title.size > 0) {
        fputs("<h2 dir=\"auto\">", file);
        write_escaped(file, quire_buffer_bytes(&entry->title));
        fputs("</h2>\n", file);
    }
    write_facts(file, entry);
    fputs("</header>\n<div dir=\"auto\">\n", file);
    if (entry->text.size > 0) {
        char *html = cmark_markdown_to_html((const char *)entry->text.data, entry->text.size,
            CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_HARDBREAKS);
        if (html == NULL) {
            return false;
        }
        fputs(html, file);
        free(html);
    }
    return fputs("</div>\n</article>\n", file) != EOF && !ferror(file);
}

bool qr_moving_html_end(FILE *file)
{
    return fputs("</body>\n</html>\n", file) != EOF;
}
