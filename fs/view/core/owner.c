/* This file writes what a person is called whose folder one sees: nobody's name can be taken for
 * another's, and none leads out of its directory. */
#include "owner.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "view/received.h"

#define VOUCHED_BYTES 600

void owner_tame(char *text, bool brackets, const char *nothing, size_t size)
{
	for (char *at = text; *at != 0; at++) {
		if (*at == '/')
			*at = '_';
		if (brackets && (*at == '(' || *at == ')'))
			*at = *at == '(' ? '[' : ']';
	}
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

void emr_shared_owner_name(const emr_card *card, size_t digits, char out[EMR_NAME_MAX + 1])
{
	char code[EMR_OWNER_DIGITS_MAX + 1], name[sizeof card->name];

	emr_base32(card->signer_id.b, sizeof card->signer_id.b, code);
	code[digits] = 0;
	for (char *at = code; *at != 0; at++)
		*at = (char)toupper((unsigned char)*at);
	snprintf(name, sizeof name, "%s", card->name);
	owner_tame(name, true, "Unnamed", sizeof name);
	if (name[0] == '.') /* nobody hides */
		name[0] = '_';
	snprintf(out, EMR_NAME_MAX + 1, "%s%s%s (%s)", name, card->born[0] != 0 ? " " : "",
		card->born, code);
}

/* The letter carries no vouch: what the reader knows of the person is in his book of people. */
emr_status owner_say(const emr_view *view, const char *name, const emr_card *card, emr_buf *out)
{
	const emr_view_options *o = &view->options;
	char text[EMR_NAME_MAX + VOUCHED_BYTES + 16], vouched[VOUCHED_BYTES] = "self";

	if (o->vouched != NULL) {
		emr_status status = o->vouched(o->vouched_arg, card->signer_id, card->name,
			card->born, vouched, sizeof vouched);

		if (status != EMR_OK)
			return status;
	}
	snprintf(text, sizeof text, "%s vouched=%s", name, vouched);
	return emr_buf_append(out, text, strlen(text));
}
