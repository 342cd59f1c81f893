/*
 * The helpers that other tests stand on.
 */
#include "kit/random.h"
#include "kit/table.h"
#include <criterion/criterion.h>
#include <string.h>

static struct quire_write write_of(const char *key, const char *value)
{
    return (struct quire_write){
        .key = quire_bytes_of_text(key), .value = quire_bytes_of_text(value)};
}

static bool join(void *context, struct quire_bytes key, struct quire_bytes value)
{
    char *text = context;
    strncat(text, (const char *)key.data, key.size);
    strcat(text, "=");
    strncat(text, (const char *)value.data, value.size);
    strcat(text, " ");
    return key.size < 3;
}

Test(kit, random_numbers_follow_from_the_seed_alone)
{
    struct kit_random random = {1};
    uint8_t bytes[11];
    cr_assert_eq(kit_random_next(&random), UINT64_C(0x910a2dec89025cc1));
    cr_assert_eq(kit_random_next(&random), UINT64_C(0xbeeb8da1658eec67));
    random = (struct kit_random){1};
    kit_random_fill(&random, bytes, sizeof bytes);
    cr_assert_arr_eq(bytes, "\xc1\x5c\x02\x89\xec\x2d\x0a\x91\x67\xec\x8e", sizeof bytes);
    cr_assert_eq(kit_random_below(&random, 0), 0);
    cr_assert_eq(kit_random_below(&random, 1), 0);
}

Test(kit, a_table_reads_what_was_written_last_in_order_of_keys)
{
    struct kit_table table = {0};
    struct quire_reader reader = kit_table_reader(&table);
    struct quire_buffer value = {0};
    char text[64] = "";
    const char *keys[] = {"b", "ab", "a", "abcd", "abc"};
    for (size_t i = 0; i < 5; i++) {
        struct quire_write write = write_of(keys[i], "old");
        kit_table_write(&table, &write);
    }
    struct quire_write write = write_of("ab", "new");
    kit_table_write(&table, &write);
    cr_assert_eq(table.count, 5);
    cr_assert_eq(reader.get(reader.context, quire_bytes_of_text("ab"), &value), QUIRE_OK);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&value), quire_bytes_of_text("new")));
    cr_assert_eq(reader.get(reader.context, quire_bytes_of_text("aa"), &value), QUIRE_ENOTFOUND);
    cr_assert_eq(reader.scan(reader.context, quire_bytes_of_text("a"), join, text), QUIRE_OK);
    cr_assert_str_eq(text, "a=old ab=new abc=old ", "in order, until visit returns false");
    quire_buffer_finish(&value);
    kit_table_finish(&table);
}

Test(kit, an_erased_record_is_gone_and_a_copy_keeps_it)
{
    struct kit_table table = {0};
    struct quire_write write = write_of("key", "value"), erase = {.key = write.key, .erase = true};
    kit_table_write(&table, &write);
    struct kit_table copy = kit_table_copy(&table);
    kit_table_write(&table, &erase);
    kit_table_write(&table, &erase);
    cr_assert_eq(table.count, 0);
    cr_assert_null(kit_table_find(&table, write.key));
    cr_assert_not_null(kit_table_find(&copy, write.key));
    kit_table_finish(&table);
    kit_table_finish(&copy);
}
