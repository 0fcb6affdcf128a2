/* A file that a participant gives to a de-identified dataset is looked at before its first byte is
 * shown: it must be signed by its participant as a copy by the rules of that dataset, and a scan
 * must find nothing in it that no such copy has. Everything else is withheld, and counted. */
#include "shared.h"
#include "shared_notice.h"

#define REMEMBERED ((size_t)4096 * sizeof(emr_cid))
#define SIZE_MAX_BYTES (UINT64_C(1) << 30) /* no copy is larger */

static bool has(const emr_buf *list, const emr_cid *root)
{
	for (size_t at = list->len; at >= sizeof *root; at -= sizeof *root)
		if (memcmp(list->data + at - sizeof *root, root, sizeof *root) == 0)
			return true;
	return false;
}

/* The oldest make room. */
static void note(emr_buf *list, const emr_cid *root)
{
	if (list->len >= REMEMBERED) {
		memmove(list->data, list->data + REMEMBERED / 2, list->len - REMEMBERED / 2);
		list->len -= REMEMBERED / 2;
	}
	(void)!emr_buf_append(list, root, sizeof *root); /* then it is looked at again */
}

static emr_status read_piece(void *arg, uint64_t at, void *out, size_t len)
{
	size_t n = 0;

	EMR_TRY(emr_content_reader_read(arg, at, out, len, &n));
	return n != len ? EMR_DAMAGED : EMR_OK;
}

/* Its participant's word, wherever else the same bytes lie. */
static bool is_signed_as_copy(const emr_shared_word *word)
{
	return word->is.standing == EMR_SIGNED_SELF && word->is.kind == EMR_STATEMENT_DERIVED;
}

static emr_status look(const emr_view *view, const shared_owner *owner, emr_content_reader *reader,
	const emr_shared_word *word, bool *out_is_copy)
{
	const shared_set *set = owner->set;
	const emr_copy_claim claim = {.terms = &set->terms,
		.terms_id = set->terms_id,
		.participant = owner->signer_id,
		.rules = word->is.has_rules ? word->is.rules : NULL,
		.size = emr_content_reader_content(reader)->n,
		.read = read_piece,
		.arg = reader};

	*out_is_copy = false;
	if (view->options.look_at_copy == NULL || claim.size > SIZE_MAX_BYTES)
		return EMR_OK;
	return view->options.look_at_copy(view->options.look_at_copy_arg, &claim, out_is_copy);
}

emr_status shared_check_copy(emr_view *view, const shared_share *s, const node *n,
	emr_content_reader *reader, const emr_shared_word *word)
{
	shared_set *set = s->owner->set;
	bool is_copy = false, is_known;

	if (!shared_is_of_copies(s->owner))
		return EMR_OK;
	/* A copy that was clean by another dataset's rules is not known as clean here. A withheld
	 * file is not looked at again: it may take the scan's whole time, which everybody's files
	 * wait for. */
	is_known = has(&set->clean, &word->root);
	if (is_signed_as_copy(word) && !is_known && !has(&set->withheld, &word->root))
		EMR_TRY(look(view, s->owner, reader, word, &is_copy));
	else
		is_copy = is_signed_as_copy(word) && is_known;
	if (is_copy) {
		if (!is_known)
			note(&set->clean, &word->root);
		return EMR_OK;
	}
	pthread_mutex_lock(&view->lock);
	if (!has(&set->withheld, &word->root))
		note(&set->withheld, &word->root);
	pthread_mutex_unlock(&view->lock);
	shared_notice_withheld(view, s, n);
	return EMR_FORBIDDEN;
}

uint64_t emr_view_withheld(emr_view *view, emr_id32 terms_id)
{
	uint64_t count = 0;

	if (view->shares == NULL)
		return 0;
	pthread_mutex_lock(&view->lock);
	for (const shared_set *set = view->shares->sets; set != NULL; set = set->next)
		if (emr_id32_equal(set->terms_id, terms_id))
			count += set->withheld.len / sizeof(emr_cid);
	pthread_mutex_unlock(&view->lock);
	return count;
}
