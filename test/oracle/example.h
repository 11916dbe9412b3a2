/*
 * Prints a C struct as JSON: its size, where each field lies, and an example of its bytes in which every field holds a
 * recognisable value. Used as
 *
 *   BEGIN(struct xsd_sockmsg);
 *   NUMBER(type);
 *   END();
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Byte after byte 0x81, 0x82 … 0xff, 0x80 …: no two neighbours are equal, signed fields are negative. */
static inline uint64_t next_value(size_t bytes)
{
    static unsigned int counter;
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)(0x80 | (++counter & 0x7f)) << (8 * i);
    return value;
}

/* A string that fills its field but for the NUL. */
static inline void set_text(char *text, size_t bytes)
{
    for (size_t i = 0; i + 1 < bytes; i++)
        text[i] = 'a' + i % 26;
    text[bytes - 1] = '\0';
}

/* What stands before the next field. */
static const char *separator __attribute__((unused)) = "";

/* Prints `seg[i].gref` with the index in place of the `i`, and without the spaces that macros leave. */
static inline void print_name(const char *member, int index)
{
    for (const char *c = member; *c; c++) {
        if (*c == '[' && c[1] == 'i' && c[2] == ']') {
            printf("[%d]", index);
            c += 2;
        } else if (*c != ' ') {
            putchar(*c);
        }
    }
}

static inline void print_place(const char *member, int index, size_t offset, size_t bytes)
{
    printf("%s        { \"name\": \"", separator);
    print_name(member, index);
    printf("\", \"offset\": %zu, \"size\": %zu", offset, bytes);
    separator = ",\n";
}

static inline void print_bytes(const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%02x", ((const unsigned char *)bytes)[i]);
}

/* Opens a layout in the program's own object, `{ "layouts": {…}, "constants": {…} }`. */
static inline void print_layout(const char *tag, size_t bytes)
{
    static const char *before = "";

    printf("%s    \"%s\": {\n      \"size\": %zu,\n      \"fields\": [\n", before, tag, bytes);
    before = ",\n";
    separator = "";
}

/* The struct's name without the keyword before it. */
#define TAG(type) (strchr(#type, ' ') ? strchr(#type, ' ') + 1 : #type)

#define BEGIN(type)                                                                      \
    do {                                                                                 \
        type example;                                                                    \
        int i __attribute__((unused)) = 0;                                               \
        memset(&example, 0, sizeof(example));                                            \
        print_layout(TAG(type), sizeof(example))

#define END()                                                                            \
        printf("\n      ],\n      \"bytes\": \"");                                       \
        print_bytes(&example, sizeof(example));                                          \
        printf("\"\n    }");                                                             \
    } while (0)

#define OFFSET(member) ((size_t)((char *)&example.member - (char *)&example))
#define IS_SIGNED(value) ((__typeof__(value))-1 < (__typeof__(value))1)

/* A scalar; its value is printed as a decimal string, since JSON's numbers end at 2^53. */
#define NUMBER(member)                                                                   \
    do {                                                                                 \
        example.member = (__typeof__(example.member))next_value(sizeof(example.member)); \
        print_place(#member, i, OFFSET(member), sizeof(example.member));                 \
        if (IS_SIGNED(example.member))                                                   \
            printf(", \"value\": \"%lld\" }", (long long)example.member);                \
        else                                                                             \
            printf(", \"value\": \"%llu\" }", (unsigned long long)example.member);       \
    } while (0)

/* An array of scalars, or bytes of any kind: no value but the bytes of the example. */
#define BYTES(member)                                                                    \
    do {                                                                                 \
        for (size_t at = 0; at < sizeof(example.member); at++)                           \
            ((char *)&example.member)[at] = (char)next_value(1);                         \
        print_place(#member, i, OFFSET(member), sizeof(example.member));                 \
        printf(" }");                                                                    \
    } while (0)

#define TEXT(member)                                                                     \
    do {                                                                                 \
        set_text((char *)example.member, sizeof(example.member));                        \
        print_place(#member, i, OFFSET(member), sizeof(example.member));                 \
        printf(", \"value\": \"%s\" }", (const char *)example.member);                   \
    } while (0)

#define EACH(array) for (i = 0; i < (int)(sizeof(example.array) / sizeof(example.array[0])); i++)

static inline void print_constant(const char *name, long long value)
{
    static const char *before = "";

    printf("%s    \"%s\": %lld", before, name, value);
    before = ",\n";
}

#define CONSTANT(name) print_constant(#name, (long long)(name))
