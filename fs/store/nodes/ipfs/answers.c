/* This file reads what nodes answer: errors in each of their shapes, and JSON objects that come one
 * behind the other, cut anywhere.  All of it is from somebody else. */
#include "node_private.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void answer_say(char *said, const char *text, size_t len)
{
	size_t n = 0;

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
		len--;
	for (size_t i = 0; i < len && n < EMR_IPFS_SAID_BYTES - 1; i++) {
		unsigned char c = (unsigned char)text[i];

		said[n++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	said[n] = '\0';
}

/* Kubo has one number for all its errors; what it was stands in words only, often as the last of
 * them. */
emr_ipfs_fault answer_error_fault(const char *message, size_t len)
{
	static const struct {
		const char *words;
		emr_ipfs_fault fault;
	} known[] = {
		{"no space left on device", EMR_IPFS_FULL},
		{"mismatch in content integrity", EMR_IPFS_BAD_CAR},
		{"import failed after", EMR_IPFS_BAD_CAR},
		{"invalid car", EMR_IPFS_BAD_CAR},
		{"block was not found locally", EMR_IPFS_MISSING},
		{"could not find", EMR_IPFS_MISSING},
		{"failed to fetch all nodes", EMR_IPFS_MISSING},
		{"produced block is over", EMR_IPFS_TOO_LARGE},
		{"bigger than", EMR_IPFS_TOO_LARGE},
		{"context deadline exceeded", EMR_IPFS_SLOW},
	};

	for (size_t i = 0; len > 0 && i < sizeof known / sizeof *known; i++) {
		if (memmem(message, len, known[i].words, strlen(known[i].words)) != NULL)
			return known[i].fault;
	}
	return EMR_IPFS_ERROR;
}

/* Reads a JSON error or a line of text, and its meaning; false when it is neither, HTML for
 * example. */
static bool answer_words(emr_bytes body, char *said, emr_ipfs_fault *out_fault)
{
	const char *text = (const char *)body.data;
	json_t *json = json_loadb(text, body.len, JSON_REJECT_DUPLICATES, NULL);
	const char *kubo = json_string_value(json_object_get(json, "Message"));
	const char *cluster = json_string_value(json_object_get(json, "message"));
	const char *message = kubo != NULL ? kubo : cluster;
	const emr_bytes words = message != NULL ? emr_bytes_of(message, strlen(message)) : body;
	const bool is_plain = !json_is_object(json) && (body.len == 0 || text[0] != '<');

	answer_say(said, (const char *)words.data, words.len);
	*out_fault = answer_error_fault((const char *)words.data, words.len);
	json_decref(json);
	return message != NULL || is_plain;
}

emr_ipfs_fault answer_fault(emr_ipfs_kind kind, long status, emr_bytes body, char *said)
{
	emr_ipfs_fault fault;
	bool has_words = answer_words(body, said, &fault);

	switch (status) {
	case 401:
	case 403: /* whether the token is wrong or only not for this is asked by kubo.c */
		return EMR_IPFS_TOKEN;
	case 404:
	case 410:
		return kind == EMR_IPFS_GATEWAY ||
				       (kind == EMR_IPFS_CLUSTER &&
					       strstr(said, "not part of the pinset") != NULL)
			       ? EMR_IPFS_MISSING
			       : EMR_IPFS_STRANGE;
	case 409:
		return EMR_IPFS_CONFLICT;
	case 412: /* only-if-cached, and not cached */
		return kind == EMR_IPFS_GATEWAY ? EMR_IPFS_MISSING : EMR_IPFS_STRANGE;
	case 413:
		return EMR_IPFS_TOO_LARGE;
	case 429:
		return EMR_IPFS_BUSY;
	case 502:
	case 503:
		return EMR_IPFS_UNAVAILABLE;
	case 504: /* of a gateway: nobody whom it asked had it in its time */
		return kind == EMR_IPFS_GATEWAY ? EMR_IPFS_SLOW : EMR_IPFS_UNAVAILABLE;
	default:
		break;
	}
	if (status >= 400 && has_words)
		return fault;
	return status >= 500 ? EMR_IPFS_ERROR : EMR_IPFS_STRANGE;
}

/* ---- Lines of JSON ---- */

static emr_status lines_one(
	answer_lines *lines, const char *text, size_t len, answer_line_fn take, void *arg)
{
	json_t *json;
	emr_status status;

	while (len > 0 && (text[len - 1] == '\r' || text[len - 1] == ' '))
		len--;
	if (len == 0) /* nobody sends lines of nothing, but who would never end */
		return EMR_UNSUPPORTED;
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json)) {
		json_decref(json);
		return EMR_UNSUPPORTED;
	}
	lines->count++;
	status = take(arg, json);
	json_decref(json);
	return status;
}

emr_status answer_lines_take(answer_lines *lines, emr_bytes piece, answer_line_fn take, void *arg)
{
	emr_status status = emr_buf_append(&lines->rest, piece.data, piece.len);
	size_t from = 0;

	while (status == EMR_OK) {
		const char *begin = (const char *)lines->rest.data + from;
		const char *end = memchr(begin, '\n', lines->rest.len - from);

		if (end == NULL)
			break;
		status = lines_one(lines, begin, (size_t)(end - begin), take, arg);
		from += (size_t)(end - begin) + 1;
	}
	if (from > 0) {
		memmove(lines->rest.data, lines->rest.data + from, lines->rest.len - from);
		lines->rest.len -= from;
	}
	if (status == EMR_OK && lines->rest.len > ANSWER_LINE_MAX)
		status = EMR_UNSUPPORTED;
	return status;
}

emr_status answer_lines_end(answer_lines *lines, answer_line_fn take, void *arg)
{
	emr_status status = lines->rest.len == 0 ? EMR_OK
						 : lines_one(lines, (const char *)lines->rest.data,
							   lines->rest.len, take, arg);

	emr_buf_clear(&lines->rest);
	return status;
}

/* ---- What a push is told ---- */

static int by_cid(const void *x, const void *y)
{
	const emr_cid *const *a = x, *const *b = y;

	return memcmp((*a)->b, (*b)->b, EMR_CID_BYTES);
}

emr_status answer_import_begin(answer_import *import, const emr_cid *roots, size_t count)
{
	*import = (answer_import){.count = count,
		.sorted = calloc(count, sizeof *import->sorted),
		.seen = calloc(count, sizeof *import->seen)};
	if (import->sorted == NULL || import->seen == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < count; i++)
		import->sorted[i] = &roots[i];
	qsort(import->sorted, count, sizeof *import->sorted, by_cid);
	for (size_t i = 1; i < count; i++) {
		if (emr_cid_equal(import->sorted[i - 1], import->sorted[i]))
			return EMR_INVALID;
	}
	return EMR_OK;
}

void answer_import_free(answer_import *import)
{
	free(import->sorted);
	free(import->seen);
}

static emr_status import_fault(answer_import *import, emr_ipfs_fault fault, const char *said)
{
	import->fault = fault;
	answer_say(import->said, said, strlen(said));
	return emr_ipfs_fault_status(fault);
}

static emr_status import_root(answer_import *import, json_t *root)
{
	const char *text = json_string_value(json_object_get(json_object_get(root, "Cid"), "/"));
	const char *error = json_string_value(json_object_get(root, "PinErrorMsg"));
	const emr_cid **found;
	const emr_cid *key;
	emr_cid cid;

	if (text == NULL || error == NULL)
		return import_fault(import, EMR_IPFS_STRANGE, "a root without its CID");
	if (emr_cid_parse_text(text, &cid) != EMR_OK)
		return import_fault(import, EMR_IPFS_OTHER_ANSWER, text);
	key = &cid;
	found = bsearch(&key, import->sorted, import->count, sizeof *import->sorted, by_cid);
	if (found == NULL || import->seen[found - import->sorted])
		return import_fault(import, EMR_IPFS_OTHER_ANSWER, text);
	if (error[0] != '\0')
		return import_fault(import,
			answer_error_fault(error, strlen(error)) == EMR_IPFS_FULL
				? EMR_IPFS_FULL
				: EMR_IPFS_NOT_KEPT,
			error);
	import->seen[found - import->sorted] = true;
	import->seen_count++;
	return EMR_OK;
}

emr_status answer_import_line(void *context, json_t *line)
{
	answer_import *import = context;
	json_t *root = json_object_get(line, "Root"), *stats = json_object_get(line, "Stats");
	const char *message = json_string_value(json_object_get(line, "Message"));
	json_t *blocks = json_object_get(stats, "BlockCount");

	if (message != NULL)
		return import_fault(import, answer_error_fault(message, strlen(message)), message);
	if (json_is_object(root))
		return import_root(import, root);
	if (import->has_stats || !json_is_integer(blocks) || json_integer_value(blocks) < 0)
		return import_fault(import, EMR_IPFS_STRANGE, "no line of an import");
	import->has_stats = true;
	import->blocks = (uint64_t)json_integer_value(blocks);
	return EMR_OK;
}

emr_ipfs_fault answer_import_judge(const answer_import *import, uint64_t sent)
{
	if (import->seen_count != import->count || !import->has_stats)
		return EMR_IPFS_BROKEN_OFF;
	return import->blocks == sent ? EMR_IPFS_FINE : EMR_IPFS_OTHER_ANSWER;
}
