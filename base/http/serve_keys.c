/* This file bounds what one caller has of a server: connections, by their address until one has
 * shown whose it is, and by that key from then on; and work a minute, by key. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/worker.h"
#include "serve_private.h"

#define CONNECTIONS_OF_ONE 64u
#define DRAIN_NS INT64_C(60000000000) /* of EMR_SERVE_WORK_MAX */

static const char of_address[24] = "of an address, no key:"; /* in front of one */

/* ---- connections ---- */

/* An IPv6 network has many addresses.  False: a Unix socket's clients have none. */
static bool address_of(const struct sockaddr *at, uint8_t out[8])
{
	memset(out, 0, 8);
	if (at == NULL || (at->sa_family != AF_INET && at->sa_family != AF_INET6))
		return false;
	if (at->sa_family == AF_INET)
		memcpy(out, &((const struct sockaddr_in *)(const void *)at)->sin_addr, 4);
	else
		memcpy(out, &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr, 8);
	return true;
}

enum MHD_Result serve_admits(void *arg, const struct sockaddr *at, socklen_t len)
{
	emr_serve *serve = arg;
	uint8_t address[8];
	unsigned n = 0;
	EMR_LOCKED(&serve->lock);

	(void)len;
	if (!address_of(at, address))
		return MHD_YES;
	for (const serve_line *line = serve->lines; line != NULL; line = line->next)
		n += emr_id32_is_zero(line->key) && memcmp(line->address, address, 8) == 0;
	return n < CONNECTIONS_OF_ONE ? MHD_YES : MHD_NO;
}

void serve_note_line(void *arg, struct MHD_Connection *connection, void **memory,
	enum MHD_ConnectionNotificationCode what)
{
	emr_serve *serve = arg;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	serve_line *line = *memory;
	EMR_LOCKED(&serve->lock);

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*memory = line = calloc(1, sizeof *line);
		if (line == NULL)
			return;
		(void)address_of(info != NULL ? info->client_addr : NULL, line->address);
		line->next = serve->lines;
		serve->lines = line;
		return;
	}
	for (serve_line **at = &serve->lines; *at != NULL; at = &(*at)->next)
		if (*at == line) {
			*at = line->next;
			break;
		}
	free(line);
	*memory = NULL;
}

void serve_ask_by_address(emr_serve_call *call)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	memcpy(call->asks.b, of_address, sizeof of_address);
	(void)address_of(info != NULL ? info->client_addr : NULL, call->asks.b + sizeof of_address);
}

/* ---- keys ---- */

static void drain(serve_key *key, int64_t now_ns)
{
	const double n = (double)EMR_SERVE_WORK_MAX * (double)(now_ns - key->at_ns) / DRAIN_NS;

	key->work = n < (double)key->work ? key->work - (uint64_t)n : 0;
	key->at_ns = now_ns;
}

/* Lock held.  Where there is no room the one goes that has least to drain. */
static serve_key *find_key(emr_serve *serve, emr_id32 id)
{
	const int64_t now_ns = emr_clock_boot_ns(emr_clock_system());
	serve_key *least = &serve->keys[0];

	for (size_t i = 0; i < SERVE_KEYS; i++)
		if (emr_id32_equal(serve->keys[i].id, id)) {
			drain(&serve->keys[i], now_ns);
			return &serve->keys[i];
		}
	for (size_t i = 0; i < SERVE_KEYS; i++) {
		serve_key *key = &serve->keys[i];

		drain(key, now_ns);
		if (key->work < least->work ||
			(key->work == least->work && key->over < least->over))
			least = key;
	}
	*least = (serve_key){.id = id, .at_ns = now_ns};
	return least;
}

bool serve_is_spent(emr_serve *serve, const emr_serve_call *call)
{
	return call->route->is_weighed && !emr_id32_is_zero(call->asks) &&
	       find_key(serve, call->asks)->work >= EMR_SERVE_WORK_MAX;
}

void emr_serve_worked(emr_serve_call *call, uint64_t bytes)
{
	EMR_LOCKED(&call->serve->lock);

	if (!emr_id32_is_zero(call->asks))
		find_key(call->serve, call->asks)->work += bytes;
}

/* Told each time that it has doubled: nobody makes the host write by asking. An address is nobody.
 */
void serve_tell_over(emr_serve *serve, emr_id32 id)
{
	uint64_t n;

	(void)pthread_mutex_lock(&serve->lock);
	n = ++find_key(serve, id)->over;
	(void)pthread_mutex_unlock(&serve->lock);
	if (serve->over != NULL && (n & (n - 1)) == 0 &&
		memcmp(id.b, of_address, sizeof of_address) != 0)
		serve->over(serve->over_arg, id, n);
}

bool serve_is_within(emr_serve *serve, const emr_serve_call *call)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	serve_line *own = info != NULL ? info->socket_context : NULL;
	unsigned n = 0;

	if (own == NULL || emr_id32_is_zero(call->asks))
		return true;
	(void)pthread_mutex_lock(&serve->lock);
	for (const serve_line *line = serve->lines; line != NULL; line = line->next)
		n += line != own && emr_id32_equal(line->key, call->asks);
	if (n < CONNECTIONS_OF_ONE)
		own->key = call->asks;
	(void)pthread_mutex_unlock(&serve->lock);
	if (n >= CONNECTIONS_OF_ONE)
		serve_tell_over(serve, call->asks);
	return n < CONNECTIONS_OF_ONE;
}
