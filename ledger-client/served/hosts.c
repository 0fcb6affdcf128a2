/* While a member's own host is away, the host of another organisation of the channel stands in for
 * it. This file chooses which one is asked, and keeps their addresses, which one's own host has
 * told, beside the settings. It asks no host whose key the caller does not name, none again that
 * has shown something else than the member has verified, and one's own as soon as that answers. */
#include "client_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/worker.h"

#define LOOK_OWN_MS 5000u

emr_status emr_served_hosts_read(const char *text, emr_served_at *out, size_t *out_n)
{
	static const char gaps[] = " \n";
	char one[EMR_SERVED_ADDRESS_CHARS];
	size_t n = 0, len;

	for (text += strspn(text, gaps); *text != '\0'; text += len + strspn(text + len, gaps)) {
		len = strcspn(text, gaps);
		if (n == EMR_LEDGER_HOSTS_MAX || len >= sizeof one)
			return EMR_INVALID;
		memcpy(one, text, len);
		one[len] = '\0';
		EMR_TRY(emr_served_address_read(one, &out[n++]));
	}
	*out_n = n;
	return EMR_OK;
}

/* ---- which one is asked ---- */

size_t client_by(client *c)
{
	EMR_LOCKED(&c->lock);

	return c->hosts.by;
}

void client_forget(client *c)
{
	emr_wipe(c->token, sizeof c->token);
	emr_buf_clear(&c->head);
	c->looked_ns = c->silent_until_ns = c->ahead_s = 0;
}

void client_pass_over(client *c, size_t by)
{
	client_hosts *h = &c->hosts;
	const int64_t silent_until_ns = c->silent_until_ns;

	if (h->n == 0 || h->by != by || h->is_fixed)
		return;
	if (by == 0) {
		h->due_ns = emr_clock_boot_ns(emr_clock_system()) + HOSTS_MS * INT64_C(1000000);
		h->away_unix_s = h->away_unix_s > 0 ? h->away_unix_s : emr_clock_unix_s(c->clock);
	}
	client_forget(c);
	h->by = by < h->n ? by + 1 : 0;
	if (h->by == 0) /* nobody has answered */
		c->silent_until_ns = silent_until_ns;
}

/* Under c->lock: it is asked never again. */
static void refuse(client_hosts *h)
{
	const size_t at = h->by - 1;

	emr_log(EMR_LOG_ERROR,
		"ledger: %s, a host of another organisation, shows something else than was "
		"verified here, and is asked no more",
		h->list[at].url);
	if (h->n_refused == EMR_LEDGER_HOSTS_MAX)
		h->n_refused--;
	h->refused[h->n_refused++] = h->list[at].key;
	memmove(h->list + at, h->list + at + 1, (--h->n - at) * sizeof h->list[0]);
	h->by = at;
}

/* Under c->lock. */
static emr_status judge(client *c, emr_status shown)
{
	client_hosts *h = &c->hosts;
	const bool is_own = h->by == 0;

	/* One's own may lag behind what another has shown; alone it goes back. */
	if (h->n == 0 || h->is_fixed || (is_own && (shown != EMR_ROLLBACK || h->has_lagged)))
		return EMR_NOT_FOUND;
	h->has_lagged = h->has_lagged || is_own;
	if (!is_own && shown != EMR_ROLLBACK)
		refuse(h);
	client_forget(c);
	client_pass_over(c, h->by);
	return EMR_OK;
}

emr_status client_refuse(client *c, emr_status status)
{
	EMR_LOCKED(&c->lock);

	return judge(c, status) == EMR_OK ? EMR_OFFLINE : status;
}

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

emr_status client_signed(client *c, const emr_checkpoint *head, bool with_others)
{
	EMR_LOCKED(&c->lock);
	const size_t n = with_others ? c->hosts.n : 0;
	const emr_id32 *key = &c->at.key;
	emr_status status = EMR_BAD_SIGNATURE;

	if (!emr_id16_equal(head->net_id, c->net_id))
		return status;
	for (size_t i = 0; i <= n && status != EMR_OK; key = &c->hosts.list[i++].key)
		status = emr_checkpoint_verify(head, emr_checkpoint_host_id(key->b), key->b);
	return status;
}

/* Members hand to each other the heads of their own host. */
emr_status client_knows(void *self, const emr_checkpoint *head)
{
	return client_signed(self, head, false);
}

/* ---- which ones may ---- */

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

/* One that cannot be read names none, until it is written again. */
static emr_status read_kept(const char *path, emr_buf *out)
{
	EMR_AUTO_FD dirfd = -1;

	EMR_TRY(emr_dir_open(path, &dirfd));
	if (emr_file_read(dirfd, EMR_SERVED_HOSTS, EMR_SERVED_HOSTS_BYTES, out) != EMR_OK)
		emr_buf_clear(out);
	return emr_buf_append_zeros(out, 1);
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

	EMR_TRY(list != NULL ? read_kept(c->path, &kept) : EMR_NO_MEMORY);
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
		return judge(c, io->shown);
	if (c->hosts.n_refused > 0)
		io->refused = c->hosts.refused[c->hosts.n_refused - 1];
	if (c->hosts.by == 0 || c->last != EMR_OK)
		return EMR_NOT_FOUND;
	io->by = c->hosts.list[c->hosts.by - 1].key;
	io->since_unix_s = c->hosts.away_unix_s;
	return EMR_OK;
}

emr_status client_fix_host(client *c, size_t number)
{
	EMR_AUTO_BUF text = {0};

	EMR_TRY(read_kept(c->path, &text));
	EMR_TRY(emr_served_hosts_read((const char *)text.data, c->hosts.list, &c->hosts.n));
	c->hosts.is_fixed = true;
	c->hosts.by = number <= c->hosts.n ? number : 0;
	return c->hosts.by > 0 ? EMR_OK : EMR_NOT_FOUND;
}
