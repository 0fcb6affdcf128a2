/* While a member's own host is away, the host of another organisation of the channel stands in for
 * it. This file chooses which one is asked; their addresses, which one's own host has told
 * (hosts_told.c), lie beside the settings. It chooses no host whose key the caller does not name,
 * none again that has shown something else than the member has verified, and one's own as soon as
 * that answers. */
#include "client_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/worker.h"

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
	c->looked_ns = c->silent_until_ns = c->ahead_s = c->hosts.is_shut = 0;
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
emr_status client_judge(client *c, emr_status shown)
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

	return client_judge(c, status) == EMR_OK ? EMR_OFFLINE : status;
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

/* ---- kept ---- */

/* One that cannot be read names none, until it is written again. */
emr_status client_read_hosts(const char *path, emr_buf *out)
{
	EMR_AUTO_FD dirfd = -1;

	EMR_TRY(emr_dir_open(path, &dirfd));
	if (emr_file_read(dirfd, EMR_SERVED_HOSTS, EMR_SERVED_HOSTS_BYTES, out) != EMR_OK)
		emr_buf_clear(out);
	return emr_buf_append_zeros(out, 1);
}

emr_status client_fix_host(client *c, size_t number)
{
	EMR_AUTO_BUF text = {0};

	EMR_TRY(client_read_hosts(c->path, &text));
	EMR_TRY(emr_served_hosts_read((const char *)text.data, c->hosts.list, &c->hosts.n));
	c->hosts.is_fixed = true;
	c->hosts.by = number <= c->hosts.n ? number : 0;
	return c->hosts.by > 0 ? EMR_OK : EMR_NOT_FOUND;
}
