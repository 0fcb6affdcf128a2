/* A member's own host tells which hosts of other organisations may stand in for it: this file asks
 * for them, keeps those whose keys the ledger has, and looks whether one's own answers again. */
#include "client_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/worker.h"

#define LOOK_OWN_MS 5000u

void client_try_own(client *c)
{
	static const question q = {.path = "descriptor",
		.timeout_ms = LOOK_OWN_MS,
		.is_wait = true,
		.is_open = true,
		.is_beside = true,
		.is_own = true};
	const int64_t now_ns = emr_clock_boot_ns(emr_clock_system());
	EMR_AUTO_BUF text = {0};
	bool is_due;

	(void)pthread_mutex_lock(&c->lock);
	is_due = c->hosts.by > 0 && !c->hosts.is_fixed && now_ns >= c->hosts.due_ns;
	if (is_due)
		c->hosts.due_ns = now_ns + HOSTS_MS * INT64_C(1000000);
	(void)pthread_mutex_unlock(&c->lock);
	if (!is_due || client_ask_once(c, &q, NULL, &text) != EMR_OK)
		return;
	EMR_LOCKED(&c->lock);
	client_forget(c);
	c->hosts.by = 0;
}

static bool is_among(emr_id32 key, const emr_id32 *keys, size_t n)
{
	while (n > 0 && !emr_id32_equal(keys[n - 1], key))
		n--;
	return n > 0;
}

/* Under c->lock: those of LIST that may, also as TEXT.  The one that is asked goes on being asked,
 * if it is among them. */
static emr_status take_list(client *c, const emr_ledger_standing *named, const emr_served_at *list,
	size_t n, emr_buf *text)
{
	client_hosts *h = &c->hosts;
	const emr_id32 asked = h->by > 0 ? h->list[h->by - 1].key : (emr_id32){{0}};
	char one[EMR_SERVED_ADDRESS_CHARS + 1];

	h->by = h->n = 0;
	for (; n > 0; list++, n--) {
		if (!is_among(list->key, named->keys, named->n_keys) ||
			is_among(list->key, h->refused, h->n_refused) ||
			emr_id32_equal(list->key, c->at.key))
			continue;
		h->list[h->n++] = *list;
		h->by = emr_id32_equal(list->key, asked) ? h->n : h->by;
		emr_served_address_text(list, one);
		(void)strcat(one, "\n");
		EMR_TRY(emr_buf_append(text, one, strlen(one)));
	}
	if (h->by == 0 && !emr_id32_is_zero(asked))
		client_forget(c);
	return EMR_OK;
}

/* As one's own host tells them now, if it answers; an older one tells none. */
static bool ask_own(client *c, emr_buf *out)
{
	emr_status status;
	bool is_there;

	(void)pthread_mutex_lock(&c->lock);
	is_there = c->hosts.by == 0 && c->last == EMR_OK && c->looked_ns != 0;
	(void)pthread_mutex_unlock(&c->lock);
	status = is_there ? client_ask(c, &(question){.path = EMR_ASK_KEPT EMR_HOSTS}, out)
			  : EMR_OFFLINE;
	if (status == EMR_NOT_FOUND)
		emr_buf_clear(out);
	return (status == EMR_OK || status == EMR_NOT_FOUND) && client_by(c) == 0 &&
	       emr_buf_append_zeros(out, 1) == EMR_OK;
}

static emr_status name_hosts(client *c, const emr_ledger_standing *named)
{
	EMR_AUTO_FREE emr_served_at *list = calloc(EMR_LEDGER_HOSTS_MAX, sizeof *list);
	EMR_AUTO_FD dirfd = -1;
	EMR_AUTO_BUF said = {0}, kept = {0}, text = {0};
	size_t n = 0;
	emr_status status;
	bool is_said;

	EMR_TRY(list != NULL ? client_read_hosts(c->path, &kept) : EMR_NO_MEMORY);
	is_said = ask_own(c, &said);
	EMR_TRY(emr_served_hosts_read((const char *)(is_said ? said : kept).data, list, &n));
	(void)pthread_mutex_lock(&c->lock);
	status = take_list(c, named, list, n, &text);
	(void)pthread_mutex_unlock(&c->lock);
	EMR_TRY(status);
	kept.len--;
	if (!is_said || emr_bytes_equal(emr_buf_view(&kept), emr_buf_view(&text)))
		return EMR_OK;
	EMR_TRY(emr_dir_open(c->path, &dirfd));
	return emr_file_replace(dirfd, EMR_SERVED_HOSTS, emr_buf_view(&text), 0600);
}

emr_status client_stand_in(void *self, emr_ledger_standing *io)
{
	client *c = self;

	if (io->keys != NULL)
		return name_hosts(c, io);
	EMR_LOCKED(&c->lock);
	if (io->shown != EMR_OK)
		return client_judge(c, io->shown);
	if (c->hosts.n_refused > 0)
		io->refused = c->hosts.refused[c->hosts.n_refused - 1];
	if (c->hosts.by == 0 || c->last != EMR_OK)
		return EMR_NOT_FOUND;
	io->by = c->hosts.list[c->hosts.by - 1].key;
	io->since_unix_s = c->hosts.away_unix_s;
	return EMR_OK;
}
