/* This file keeps, sealed on this computer, what this person has asked others for (path, and reason
 * in the asker's words) and which answers were told already, so that each is told once. */
#include "sharing/asked.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/worker.h"
#include "keyring/sealed.h"
#include "share/write.h"

/* Sealed, of: u16 n, then for each request[16] | owner[32] | domain[16] | asked_at u64 | until u64
 * | purposes u32 | rights u16 | told u8 | kind u8 | u16 path_len | path | u16 reason_len | reason;
 * padded with zeros to a multiple of 4,096. */
#define PAGE_BYTES 4096
#define PLAIN_MAX ((size_t)1 << 20)

static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'P', 'Q', 3, 0, 0, 0};
static pthread_mutex_t change_mutex = PTHREAD_MUTEX_INITIALIZER;

void emr_asked_free(emr_asked_list *list)
{
	free(list->rows);
	*list = (emr_asked_list){0};
}

emr_asked_grant emr_asked_compare(const emr_asked_for *row, const emr_row_grant *grant)
{
	if (memcmp(grant->grantee, row->owner.b, sizeof row->owner.b) != 0)
		return EMR_ASKED_GRANT_ANOTHERS;
	return emr_rights_shown(grant->rights) == emr_rights_shown(row->rights) &&
			       grant->purposes == row->purposes &&
			       grant->not_after_unix_s == row->until_unix_s
		       ? EMR_ASKED_GRANT_ORDERED
		       : EMR_ASKED_GRANT_HIS;
}

emr_asked_for *emr_asked_find(const emr_asked_list *list, emr_id16 request)
{
	for (size_t i = 0; i < list->n; i++) {
		if (emr_id16_equal(list->rows[i].request, request))
			return &list->rows[i];
	}
	return NULL;
}

/* ---- the file ---- */

static void write_text(emr_writer *w, const char *text)
{
	emr_write_u16(w, (uint16_t)strlen(text));
	emr_write_bytes(w, text, strlen(text));
}

static emr_status save(const emr_keyring *keyring, int state_fd, const emr_asked_list *list)
{
	EMR_AUTO_BUF plain = {0};
	emr_writer w = emr_writer_of(&plain);
	emr_status status;

	emr_write_u16(&w, (uint16_t)list->n);
	for (size_t i = 0; i < list->n; i++) {
		const emr_asked_for *row = &list->rows[i];

		emr_write_bytes(&w, row->request.b, sizeof row->request.b);
		emr_write_bytes(&w, row->owner.b, sizeof row->owner.b);
		emr_write_bytes(&w, row->domain.b, sizeof row->domain.b);
		emr_write_u64(&w, row->asked_at);
		emr_write_u64(&w, row->until_unix_s);
		emr_write_u32(&w, row->purposes);
		emr_write_u16(&w, row->rights);
		emr_write_u8(&w, row->told);
		emr_write_u8(&w, (uint8_t)row->kind);
		write_text(&w, row->path);
		write_text(&w, row->reason);
	}
	if (w.status == EMR_OK && plain.len % PAGE_BYTES != 0)
		emr_write_zeros(&w, PAGE_BYTES - plain.len % PAGE_BYTES);
	status = w.status;
	if (status == EMR_OK)
		status = emr_sealed_save(
			keyring, state_fd, EMR_STATE_ASKED, head, emr_buf_view(&plain));
	emr_wipe(plain.data, plain.len);
	return status;
}

static void read_text(emr_reader *r, char *out, size_t size)
{
	size_t len = emr_read_u16(r);

	if (len >= size) {
		r->bad = true;
		return;
	}
	emr_read_copy(r, out, len);
	out[len] = '\0';
	if (strlen(out) != len)
		r->bad = true;
}

static void read_row(emr_reader *r, emr_asked_for *row)
{
	uint8_t kind;

	emr_read_copy(r, row->request.b, sizeof row->request.b);
	emr_read_copy(r, row->owner.b, sizeof row->owner.b);
	emr_read_copy(r, row->domain.b, sizeof row->domain.b);
	row->asked_at = emr_read_u64(r);
	row->until_unix_s = emr_read_u64(r);
	row->purposes = emr_read_u32(r);
	row->rights = emr_read_u16(r);
	row->told = emr_read_u8(r);
	kind = emr_read_u8(r);
	r->bad = r->bad || kind > EMR_ASKED_CONSENT;
	row->kind = r->bad ? EMR_ASKED_MINE : (emr_asked_kind)kind;
	read_text(r, row->path, sizeof row->path);
	read_text(r, row->reason, sizeof row->reason);
}

static emr_status read_rows(emr_bytes plain, emr_asked_list *out_list)
{
	EMR_AUTO_ASKED list = {0};
	emr_reader r = emr_reader_of(plain);
	size_t n = emr_read_u16(&r);

	if (r.bad || n > EMR_ASKED_MAX)
		return EMR_DAMAGED;
	list.rows = calloc(n + 1, sizeof *list.rows);
	if (list.rows == NULL)
		return EMR_NO_MEMORY;
	while (list.n < n && !r.bad)
		read_row(&r, &list.rows[list.n++]);
	emr_read_zeros(&r, r.left);
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	*out_list = list;
	list = (emr_asked_list){0};
	return EMR_OK;
}

emr_status emr_asked_load(const emr_keyring *keyring, int state_fd, emr_asked_list *out_list)
{
	EMR_AUTO_BUF plain = {0};
	emr_status status =
		emr_sealed_load(keyring, state_fd, EMR_STATE_ASKED, head, PLAIN_MAX, &plain);

	if (status == EMR_NOT_FOUND) {
		*out_list = (emr_asked_list){0};
		return EMR_OK;
	}
	if (status == EMR_OK)
		status = read_rows(emr_buf_view(&plain), out_list);
	emr_wipe(plain.data, plain.len);
	return status;
}

/* ---- changes ---- */

static void forget(emr_asked_list *list, const emr_asked_for *row)
{
	size_t at = (size_t)(row - list->rows);

	memmove(list->rows + at, list->rows + at + 1, (--list->n - at) * sizeof *list->rows);
}

emr_status emr_asked_add(const emr_keyring *keyring, int state_fd, const emr_asked_for *row)
{
	EMR_AUTO_ASKED list = {0};
	emr_asked_for *grown;
	EMR_LOCKED(&change_mutex);

	EMR_TRY(emr_asked_load(keyring, state_fd, &list));
	if (emr_asked_find(&list, row->request) != NULL)
		forget(&list, emr_asked_find(&list, row->request));
	grown = realloc(list.rows, (list.n + 1) * sizeof *grown);
	if (grown == NULL)
		return EMR_NO_MEMORY;
	list.rows = grown;
	list.rows[list.n++] = *row;
	if (list.n > EMR_ASKED_MAX)
		forget(&list, &list.rows[0]);
	return save(keyring, state_fd, &list);
}

emr_status emr_asked_told(
	const emr_keyring *keyring, int state_fd, emr_id16 request, emr_share_request_state state)
{
	EMR_AUTO_ASKED list = {0};
	emr_asked_for *row;
	EMR_LOCKED(&change_mutex);

	EMR_TRY(emr_asked_load(keyring, state_fd, &list));
	row = emr_asked_find(&list, request);
	if (row == NULL)
		return EMR_NOT_FOUND;
	row->told = (uint8_t)state;
	return save(keyring, state_fd, &list);
}

emr_status emr_asked_drop(const emr_keyring *keyring, int state_fd, emr_id16 request)
{
	EMR_AUTO_ASKED list = {0};
	const emr_asked_for *row;
	EMR_LOCKED(&change_mutex);

	EMR_TRY(emr_asked_load(keyring, state_fd, &list));
	row = emr_asked_find(&list, request);
	if (row == NULL)
		return EMR_NOT_FOUND;
	forget(&list, row);
	return save(keyring, state_fd, &list);
}
