/* Browsers and desktops note beside a file where it came from (with a portal's token) and what its
 * owner says of it. Nobody else is to have that: this file seals such attributes for the owner's
 * own computers inside of the description that readers open, and takes them out again. A writer's
 * go to nobody. */
#include "own_words.h"

#include <string.h>

#include "share/write.h"

#define SEALED_KEY "emrfs.own" /* not a user.* name: nobody's attribute can be it */
#define UNIT 64		       /* so that the length says little */

static const emr_bytes sealed_key = {(const uint8_t *)SEALED_KEY, sizeof SEALED_KEY - 1};

/* Those of FROM that are the owner's alone, or the others, in their order. */
static emr_status pick(emr_bytes from, bool owns, emr_buf *out, uint16_t *out_count)
{
	const uint8_t *at = from.data;
	emr_xattr one;

	for (*out_count = 0; emr_xattr_next(&from, &one); at = from.data) {
		if (emr_words_are_owners(one.key) != owns)
			continue;
		EMR_TRY(emr_buf_append(out, at, (size_t)(from.data - at)));
		++*out_count;
	}
	return EMR_OK;
}

emr_status own_words_encode(
	const emr_keyring *keyring, bool is_foreign, const emr_meta *meta, emr_buf *out)
{
	EMR_AUTO_BUF own = {0};
	EMR_AUTO_BUF sealed = {0};
	EMR_AUTO_BUF rest = {0};
	EMR_AUTO_BUF both = {0};
	emr_meta said = *meta;
	uint16_t n;

	EMR_TRY(pick(meta->xattrs, true, &own, &n));
	if (n == 0)
		return emr_meta_encode(meta, out);
	EMR_TRY(pick(meta->xattrs, false, &rest, &said.xattr_count));
	said.xattrs = emr_buf_view(&rest);
	if (!is_foreign) {
		EMR_TRY(emr_buf_append_zeros(&own, (UNIT - own.len % UNIT) % UNIT));
		EMR_TRY(emr_keyring_own_seal(keyring, emr_buf_view(&own), &sealed));
		EMR_TRY(emr_xattr_change(said.xattrs, sealed_key, emr_buf_view(&sealed), false,
			&both, &said.xattr_count));
		said.xattrs = emr_buf_view(&both);
	}
	return emr_meta_encode(&said, out);
}

/* XATTRS with those of OWN, which end with zeros. */
static emr_status put_back(emr_bytes own, emr_buf *xattrs, uint16_t *count)
{
	emr_status status = EMR_OK;
	emr_xattr one;

	while (status == EMR_OK && emr_xattr_next(&own, &one)) {
		emr_buf next = {0};

		status = emr_xattr_change(
			emr_buf_view(xattrs), one.key, one.value, false, &next, count);
		emr_buf_free(xattrs);
		*xattrs = next;
	}
	return status;
}

emr_status own_words_open(const emr_keyring *keyring, emr_buf *plain)
{
	EMR_AUTO_BUF own = {0};
	EMR_AUTO_BUF xattrs = {0};
	emr_buf whole = {0};
	emr_bytes sealed;
	emr_meta meta;
	emr_status status;

	if (emr_meta_decode(emr_buf_view(plain), &meta) != EMR_OK ||
		emr_xattr_find(meta.xattrs, sealed_key, &sealed) != EMR_OK)
		return EMR_OK;
	status = emr_keyring_own_open(keyring, sealed, &own);
	if (status != EMR_OK && status != EMR_DAMAGED) /* another's, or of one that was not told */
		return status;
	EMR_TRY(emr_xattr_change(
		meta.xattrs, sealed_key, (emr_bytes){0}, true, &xattrs, &meta.xattr_count));
	EMR_TRY(put_back(emr_buf_view(&own), &xattrs, &meta.xattr_count));
	meta.xattrs = emr_buf_view(&xattrs);
	status = emr_meta_encode(&meta, &whole);
	if (status != EMR_OK) {
		emr_buf_free(&whole);
		return status;
	}
	emr_buf_free(plain);
	*plain = whole;
	return EMR_OK;
}
