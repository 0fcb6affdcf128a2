/* This file judges one trace: whether an address that a desktop program wrote down leads into the
 * folder, and how it is listed. */
#include <string.h>

#include "base/bytes.h"
#include "kit/message.h"
#include "traces_private.h"

/* ---- addresses ---- */

static int hex_digit(char letter)
{
	const char *digits = "0123456789abcdef",
		   *at = letter != '\0' ? strchr(digits, letter | 0x20) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* %20 and the like, in place; false for what no path can be. */
static bool unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at != '\0'; at++) {
		int high = *at == '%' ? hex_digit(at[1]) : -1;
		int low = high >= 0 ? hex_digit(at[2]) : -1;

		if (*at != '%') {
			*to++ = *at;
			continue;
		}
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*to++ = (char)(high << 4 | low);
		at += 2;
	}
	*to = '\0';
	return true;
}

/* Behind file:// stands a host that is this one, or nothing. */
static const char *path_of(const char *uri)
{
	static const char *const heads[] = {"file:///", "file://localhost/"};

	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (strncmp(uri, heads[i], strlen(heads[i])) == 0)
			return uri + strlen(heads[i]) - 1;
	return NULL;
}

emr_status emr_trace_about(const char *uri, const char *folder, char **out_about)
{
	const char *start = path_of(uri);
	EMR_AUTO_FREE char *path = start != NULL ? strdup(start) : NULL;
	size_t len = strlen(folder);
	char *about;

	if (start != NULL && path == NULL)
		return EMR_NO_MEMORY;
	if (path == NULL || len < 2 || !unescape(path) || strncmp(path, folder, len) != 0 ||
		(path[len] != '\0' && path[len] != '/'))
		return EMR_NOT_FOUND;
	about = strdup(path[len] == '/' ? path + len + 1 : "");
	if (about == NULL)
		return EMR_NO_MEMORY;
	*out_about = about;
	return EMR_OK;
}

/* ---- the list ---- */

static json_t *text_of(const char *text)
{
	char shown[8400];

	emr_show(text, shown, sizeof shown);
	return json_string(shown);
}

emr_status emr_trace_add(
	json_t *traces, const char *kind, const char *file, const char *about, bool removed)
{
	json_t *trace = json_pack("{s:s, s:o?, s:o?, s:b}", "kind", kind, "file", text_of(file),
		"about", text_of(about), "cleared", (int)removed);

	return trace != NULL && json_array_append_new(traces, trace) == 0 ? EMR_OK : EMR_NO_MEMORY;
}
