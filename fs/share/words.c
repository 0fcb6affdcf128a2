/* This file takes from a writer's description of a record only the attributes that a writer may
 * set. The attributes that emrfs uses itself stay as the owner set them, a link that leads out of
 * the folder is recognised, and a name that would configure a program is replaced. */
#include "share/write.h"

#include <string.h>
#include <strings.h>

#include "keyring/card.h"

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

/* Where a file came from, and what a person notes about it: of browsers, wget and curl, Samba and
 * the desktops. */
static const char *const owners[] = {"user.xdg.", "user.baloo.", "user.dublincore.",
	"user.com.apple.", "user.DosStream.", "user.Zone.Identifier"};

bool emr_words_are_owners(emr_bytes key)
{
	for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
		if (key.len >= strlen(owners[i]) &&
			strncasecmp((const char *)key.data, owners[i], strlen(owners[i])) == 0)
			return true;
	return false;
}

/* True for an attribute that emrfs goes by, or keeps for itself or the owner. */
static bool is_ours(emr_bytes key)
{
	bool is_users =
		key.len > sizeof USERS - 1 && memcmp(key.data, USERS, sizeof USERS - 1) == 0;

	return !is_users || emr_words_are_owners(key) ||
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
	emr_buf_clear(out);
	*out_count = 0;
	EMR_TRY(copy_words(words, false, out, out_count));
	return copy_words(own, true, out, out_count);
}

/* ---- names ---- */

/* Without a dot at the beginning; in any case, as through a server like Samba a name is found in
 * each.
 */
static const struct {
	const char *name;
	bool is_file;
} configuring[] = {
	{"desktop.ini", false}, /* Windows: what a directory looks like, and where from */
	{"autorun.inf", false}, /* and what runs when a disk is opened */
	/* Git takes a directory with a HEAD for a repository and runs what its "config" says, which
	 * the others replace or look for in another place. */
	{"HEAD", true},
	{"commondir", true},
	{"config.worktree", true},
	{"gitdir", true},
};

/* By these endings Windows starts something, or asks another computer for a picture with the name
 * and password hash of its user, when a list with the file is only looked at. */
static const char *const acting[] = {"lnk", "url", "scf", "pif", "website", "library-ms",
	"search-ms", "searchconnector-ms", "appref-ms", "settingcontent-ms", "theme"};
#define CLASS_CHARS 38 /* of a directory "NAME.{GUID}", which Windows shows as what GUID is */

/* Windows finds a name without the dots and blanks at its end. */
static size_t seen_len(emr_bytes name)
{
	size_t len = name.len;

	while (len > 0 && (name.data[len - 1] == '.' || name.data[len - 1] == ' '))
		len--;
	return len;
}

/* The place of the dot before an ending that acts; 0: it has none. */
static size_t acting_dot(emr_meta_type type, emr_bytes name)
{
	const char *text = (const char *)name.data;
	const size_t len = seen_len(name);
	size_t dot = len > 0 ? len - 1 : 0;

	while (dot > 0 && text[dot] != '.')
		dot--;
	if (dot + 1 >= len)
		return 0;
	if (type == EMR_META_DIR)
		return len - dot - 1 == CLASS_CHARS && text[dot + 1] == '{' && text[len - 1] == '}'
			       ? dot
			       : 0;
	for (size_t i = 0; i < sizeof acting / sizeof *acting; i++)
		if (len - dot - 1 == strlen(acting[i]) &&
			strncasecmp(text + dot + 1, acting[i], len - dot - 1) == 0)
			return dot;
	return 0;
}

static bool is_looked_for(emr_meta_type type, emr_bytes name)
{
	for (size_t i = 0; i < sizeof configuring / sizeof *configuring; i++) {
		const char *one = configuring[i].name;

		if (seen_len(name) == strlen(one) &&
			(type != EMR_META_DIR || !configuring[i].is_file) &&
			strncasecmp((const char *)name.data, one, strlen(one)) == 0)
			return true;
	}
	return false;
}

/* Zarr 2 and BIDS look for these: they say what data beside them are, and nothing acts by them. */
static const char *const data_forms[] = {".zarray", ".zgroup", ".zattrs", ".bidsignore"};

/* "." and ".." are no names, and are called otherwise. */
static bool is_hidden(emr_meta_type type, emr_bytes name)
{
	for (size_t i = 0; i < sizeof data_forms / sizeof *data_forms; i++)
		if (type == EMR_META_FILE && name.len == strlen(data_forms[i]) &&
			memcmp(name.data, data_forms[i], name.len) == 0)
			return false;
	return name.len > 0 && name.data[0] == '.' &&
	       !(name.len == 1 || (name.len == 2 && name.data[1] == '.'));
}

bool emr_words_configure(emr_meta_type type, emr_bytes name)
{
	return is_hidden(type, name) || is_looked_for(type, name) || acting_dot(type, name) > 0;
}

/* Characters that a terminal obeys, or that turn the reading, become "_", in place. */
static size_t show_plainly(char *name, size_t len)
{
	size_t to = 0;
	uint32_t code;

	for (size_t at = 0; at < len;) {
		const uint8_t *u = (const uint8_t *)name + at;
		const size_t n = emr_utf8_len(u, len - at), takes = n > 0 ? n : 1;

		if (n > 0 && emr_utf8_misleads(u, n, &code)) {
			name[to++] = '_';
		} else {
			memmove(name + to, u, takes);
			to += takes;
		}
		at += takes;
	}
	return to;
}

emr_bytes emr_words_name(
	emr_meta_type type, emr_bytes name, emr_bytes own, char room[EMR_WORDS_NAME_BYTES])
{
	const bool is_own =
		name.len == own.len && own.len > 0 && memcmp(name.data, own.data, own.len) == 0;
	const size_t dot = acting_dot(type, name), added = is_looked_for(type, name);
	char plain[EMR_WORDS_NAME_BYTES];
	size_t len = name.len;

	if (is_own || len >= EMR_WORDS_NAME_BYTES)
		return name;
	memcpy(plain, name.data, len);
	if (!emr_words_configure(type, name) && show_plainly(plain, len) == len &&
		memcmp(plain, name.data, len) == 0)
		return name;
	if (added > 0 && len + 1 == EMR_WORDS_NAME_BYTES)
		len--; /* of the blanks at its end */
	memcpy(room + added, name.data, len);
	if (added > 0 || is_hidden(type, name))
		room[0] = '_';
	if (dot > 0)
		room[added + dot] = '_';
	return emr_bytes_of(room, show_plainly(room, added + len));
}
