/* This file takes from a writer's description of a record only the attributes that a writer may
 * set. The attributes that emrfs uses itself stay as the owner set them, and a link that leads
 * out of the folder is recognised. */
#include "share/write.h"

#include <string.h>

#define OURS "user.emrfs."
#define USERS "user."

bool emr_words_lead_away(emr_bytes target)
{
	const char *at = (const char *)target.data, *end = at + target.len;

	if (target.len == 0 || *at == '/' || memchr(at, 0, target.len) != NULL)
		return true;
	while (at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t len = (size_t)((slash != NULL ? slash : end) - at);

		if (len == 2 && at[0] == '.' && at[1] == '.')
			return true;
		at += len + 1;
	}
	return false;
}

/* What emrfs goes by, or keeps for itself. */
static bool is_ours(emr_bytes key)
{
	bool is_users =
		key.len > sizeof USERS - 1 && memcmp(key.data, USERS, sizeof USERS - 1) == 0;

	return !is_users ||
	       (key.len >= sizeof OURS - 1 && memcmp(key.data, OURS, sizeof OURS - 1) == 0);
}

static emr_status copy_words(emr_bytes from, bool ours, emr_buf *out, uint16_t *out_count)
{
	emr_status status = EMR_OK;
	emr_xattr one;

	while (status == EMR_OK && emr_xattr_next(&from, &one)) {
		emr_buf next = {0};

		if (is_ours(one.key) != ours)
			continue;
		status = emr_xattr_change(
			emr_buf_view(out), one.key, one.value, false, &next, out_count);
		if (status == EMR_OK) {
			emr_buf_free(out);
			*out = next;
		} else {
			emr_buf_free(&next);
		}
	}
	return status;
}

emr_status emr_words_attributes(emr_bytes words, emr_bytes own, emr_buf *out, uint16_t *out_count)
{
	emr_status status;

	emr_buf_clear(out);
	*out_count = 0;
	status = copy_words(words, false, out, out_count);
	return status == EMR_OK ? copy_words(own, true, out, out_count) : status;
}
