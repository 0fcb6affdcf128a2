/* This file makes and checks the code without which no attribute lets anybody see more: it
 * follows from a random key of this opening of the folder, so nothing that was copied can hold
 * it. */
#include "attributes.h"

#include <string.h>
#include <sodium.h>

#include "kind.h"

/* 40 bits: a copy tries a code once for each attribute that it sets, and is told nothing but no. */
#define CODE_BYTES 5
#define CODE_CHARS 8
#define WORD "confirm="

/* A node of one's own keeps its number as long as the folder is open. */
static void code_of(const emr_view *view, const node *n, char out[CODE_CHARS + 1])
{
	uint8_t hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof hash, (const void *)&n->number, sizeof n->number,
		view->confirm_key, sizeof view->confirm_key);
	emr_base32(hash, CODE_BYTES, out);
}

emr_status confirm_say(const emr_view *view, const node *n, emr_buf *out)
{
	char code[CODE_CHARS + 1];

	if (n->state != NODE_LIVE)
		return EMR_NO_ATTRIBUTE;
	code_of(view, n, code);
	return emr_buf_append(out, code, CODE_CHARS);
}

static bool is_code(const emr_view *view, const node *n, emr_bytes text)
{
	char code[CODE_CHARS + 1];

	if (n->state != NODE_LIVE || text.len != CODE_CHARS)
		return false;
	code_of(view, n, code);
	return sodium_memcmp(code, text.data, CODE_CHARS) == 0;
}

emr_status confirm_take(
	const emr_view *view, const node *n, emr_bytes value, emr_buf *out, bool *out_is_right)
{
	emr_status status = EMR_OK;
	unsigned codes = 0;

	*out_is_right = false;
	while (value.len > 0 && status == EMR_OK) {
		const uint8_t *blank = memchr(value.data, ' ', value.len);
		size_t len = blank != NULL ? (size_t)(blank - value.data) : value.len;
		size_t whole = len + (blank != NULL);
		bool is_confirm =
			len >= strlen(WORD) && memcmp(value.data, WORD, strlen(WORD)) == 0;

		if (is_confirm) { /* several in one value would be as many guesses */
			*out_is_right =
				++codes == 1 && is_code(view, n,
							emr_bytes_of(value.data + strlen(WORD),
								len - strlen(WORD)));
		} else {
			status = emr_buf_append(out, value.data, whole);
		}
		value = emr_bytes_of(value.data + whole, value.len - whole);
	}
	/* The blank before a last word that was taken out. */
	while (codes > 0 && out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	return status;
}
