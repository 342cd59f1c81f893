/*
 * The YAML at the head of a Markdown file, through libyaml's events: every scalar stays the string that
 * is written, so that no date is moved by a time zone.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 16
#define NODES_MAX 10000

struct yaml_reader {
    yaml_parser_t parser;
    size_t nodes;
};

static json_t *read_node(struct yaml_reader *reader, yaml_event_t *event, int depth);

static bool next(struct yaml_reader *reader, yaml_event_t *out_event)
{
    return ++reader->nodes <= NODES_MAX && yaml_parser_parse(&reader->parser, out_event) == 1;
}

static json_t *read_list(struct yaml_reader *reader, int depth)
{
    json_t *list = json_array();
    yaml_event_t event;
    while (list != NULL && next(reader, &event)) {
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return list;
        }
        if (json_array_append_new(list, read_node(reader, &event, depth)) != 0) {
            break;
        }
    }
    json_decref(list);
    return NULL;
}

static json_t *read_object(struct yaml_reader *reader, int depth)
{
    json_t *object = json_object();
    yaml_event_t event;
    while (object != NULL && next(reader, &event)) {
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return object;
        }
        json_t *key = read_node(reader, &event, depth), *value = NULL;
        bool good = json_is_string(key) && next(reader, &event);
        if (good) {
            value = read_node(reader, &event, depth);
            good = value != NULL
                && json_object_setn(object, json_string_value(key), json_string_length(key), value)
                    == 0;
        }
        json_decref(key);
        json_decref(value);
        if (!good) {
            break;
        }
    }
    json_decref(object);
    return NULL;
}

/* Takes the event. NULL: what front matter does not need, such as aliases, or not UTF-8. */
static json_t *read_node(struct yaml_reader *reader, yaml_event_t *event, int depth)
{
    json_t *node = NULL;
    yaml_event_type_t type = event->type;
    if (type == YAML_SCALAR_EVENT) {
        node = json_stringn((const char *)event->data.scalar.value, event->data.scalar.length);
    }
    yaml_event_delete(event);
    if (depth < DEPTH_MAX && type == YAML_SEQUENCE_START_EVENT) {
        node = read_list(reader, depth + 1);
    } else if (depth < DEPTH_MAX && type == YAML_MAPPING_START_EVENT) {
        node = read_object(reader, depth + 1);
    }
    return node;
}

static json_t *read_yaml(struct quire_bytes text)
{
    struct yaml_reader reader = {0};
    yaml_event_t event;
    json_t *object = NULL;
    if (yaml_parser_initialize(&reader.parser) == 0) {
        return NULL;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, text.data, text.size);
    bool more = true;
    while (more && next(&reader, &event)) {
        yaml_event_type_t type = event.type;
        if (type == YAML_MAPPING_START_EVENT) {
            object = read_node(&reader, &event, 0);
            more = object != NULL;
        } else {
            yaml_event_delete(&event);
            more = type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT
                || type == YAML_DOCUMENT_END_EVENT;
        }
        if (object != NULL && type == YAML_DOCUMENT_END_EVENT) {
            more = false;
        }
        if (!more && object != NULL && type != YAML_DOCUMENT_END_EVENT) {
            json_decref(object);
            object = NULL;
        }
    }
    bool bad = reader.parser.error != YAML_NO_ERROR;
    yaml_parser_delete(&reader.parser);
    if (bad) {
        json_decref(object);
        object = NULL;
    }
    return object;
}

static bool is_fence(struct quire_bytes line)
{
    while (line.size > 3 && (line.data[line.size - 1] == ' ' || line.data[line.size - 1] == '\t')) {
        line.size--;
    }
    return qr_moving_is(line, "---");
}

bool qr_moving_front_matter(
    struct quire_bytes text, json_t **out_yaml, struct quire_bytes *out_rest)
{
    struct quire_bytes rest = text, line;
    *out_yaml = NULL;
    *out_rest = text;
    if (!qr_moving_line(&rest, &line) || !is_fence(line)) {
        return false;
    }
    const uint8_t *begin = rest.data;
    while (qr_moving_line(&rest, &line)) {
        if (is_fence(line)) {
            struct quire_bytes yaml = {begin, (size_t)(line.data - begin)};
            *out_yaml = yaml.size == 0 ? json_object() : read_yaml(yaml);
            if (*out_yaml != NULL) {
                *out_rest = rest;
            }
            return true;
        }
    }
    return false; /* a rule between paragraphs, not front matter */
}
