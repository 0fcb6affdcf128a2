/* This file writes the name of the person whose folder one sees: the name that others use
 * first, the person's own words in square brackets, and no name leads out of its directory. */
#include "owner.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "replica/names.h"

#include "view/received.h"

#define NAME_BYTES_MAX 120 /* of a directory's: its code and some own words have room behind it */

void owner_tame(char *text, const char *nothing, size_t size)
{
	for (char *at = text; *at != 0; at++)
		*at = *at == '/' ? '_' : *at;
	if (text[0] == 0 || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		snprintf(text, size, "%s", nothing);
}

void owner_show_plainly(emr_bytes name, char out[EMR_NAME_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < name.len && n + 4 < EMR_NAME_MAX - 2;) {
		uint8_t c = name.data[i];
		size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		char one[5] = "";

		if (len > name.len - i)
			len = 1;
		for (size_t k = 1; k < len; k++)
			len = (name.data[i + k] & 0xc0) == 0x80 ? len : 1;
		memcpy(one, name.data + i, len);
		i += len;
		if (one[0] == 0 || one[0] == '/' || one[0] == '\\' ||
			(one[0] != ' ' && !emr_card_name_ok(one))) {
			out[n++] = '_';
			continue;
		}
		memcpy(out + n, one, len);
		n += len;
	}
	out[n] = 0;
}

/* TEXT within SIZE - 1 bytes, cut between characters; brackets and what ends a name are "_" in it.
 */
static void put_words(const char *text, char *out, size_t size)
{
	size_t len = strnlen(text, size - 1);

	while (len > 0 && text[len] != 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	snprintf(out, size, "%.*s", (int)len, text);
	for (char *at = out; *at != 0; at++)
		if (strchr("/()[]{}", *at) != NULL)
			*at = '_';
	if (out[0] == '.') /* nobody hides */
		out[0] = '_';
}

void emr_shared_owner_name(
	const char *name, const char *code, const emr_card *card, char out[EMR_NAME_MAX + 1])
{
	bool says_name = card->name[0] != 0 && strcasecmp(card->name, name) != 0;
	char said[sizeof card->name + sizeof card->born + 2], own[EMR_NAME_MAX + 1],
		called[NAME_BYTES_MAX + 1];
	int len;

	put_words(name, called, sizeof called);
	len = snprintf(out, EMR_NAME_MAX + 1, called[0] != 0 ? "%s (%s)" : "%s%s", called, code);
	snprintf(said, sizeof said, "%s%s%s", says_name ? card->name : "",
		says_name && card->born[0] != 0 ? " " : "", card->born);
	if (said[0] == 0)
		return;
	put_words(said, own, sizeof own - (size_t)len - 3);
	snprintf(out + len, (size_t)(EMR_NAME_MAX + 1 - len), " [%s]", own);
}

emr_status owner_names(const emr_view *view, const emr_id32 *ids, size_t n, emr_owner_called *out)
{
	const emr_view_options *o = &view->options;

	memset(out, 0, n * sizeof *out);
	if (o->names != NULL && n > 0)
		EMR_TRY(o->names(o->named_arg, ids, n, out));
	for (size_t i = 0; i < n; i++)
		EMR_TRY(emr_replica_code(o->replica, ids[i], out[i].code));
	return EMR_OK;
}

void owner_call(const emr_owner_called *called, const emr_card *card, char out[EMR_NAME_MAX + 1])
{
	char code[EMR_KEY_CODE_MAX + 1];

	emr_key_code(card->signer_id, EMR_KEY_CODE_SHOWN, code);
	emr_shared_owner_name(called->name, called->code[0] != 0 ? called->code : code, card, out);
}

void owner_name_directory(
	const emr_owner_called *called, const emr_card *card, char out[EMR_NAME_MAX + 1])
{
	char first[EMR_KEY_CODE_MAX + 1], handle[NAME_BYTES_MAX + 1];
	const char *code = called->code[0] != 0 ? called->code : first;
	bool is_unnamed;

	emr_key_code(card->signer_id, EMR_KEY_CODE_SHOWN, first);
	is_unnamed = card->name[0] != 0 && emr_handle_names_nobody(called->handle);
	put_words(is_unnamed ? card->name : called->handle, handle, sizeof handle);
	if (handle[0] == 0)
		snprintf(out, EMR_NAME_MAX + 1, "%s", code);
	else if (is_unnamed || called->number == 0 || strcmp(handle, called->handle) != 0)
		snprintf(out, EMR_NAME_MAX + 1, "%s (%s)", handle, code);
	else if (called->number == 1)
		snprintf(out, EMR_NAME_MAX + 1, "%s", handle);
	else
		snprintf(out, EMR_NAME_MAX + 1, "%s (%u)", handle, called->number);
}

emr_status owner_say(const emr_view *view, const char *name, const emr_card *card, emr_buf *out)
{
	char own[EMR_NAME_MAX + 1];
	emr_owner_called called;

	if (name[0] == 0) {
		EMR_TRY(owner_names(view, &card->signer_id, 1, &called));
		owner_call(&called, card, own);
		name = own;
	}
	return emr_buf_append(out, name, strlen(name));
}
