/* This file keeps the gateways that may be asked: where they are, their idle connections, which of
 * them rests because it failed several times, and which is asked after the others. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_private.h"

#define FAILURES_MAX 3 /* one after the other; then it rests */
#define REST_MS 1000   /* twice as long after each further failure */
#define REST_DOUBLINGS_MAX 5
#define DEFER_MS 30000 /* others are asked first */

/* An address of loopback, or localhost, which libcurl does not look up. */
static bool is_here(const char *host)
{
	struct in_addr address;

	if (strcmp(host, "[::1]") == 0 || strcmp(host, "localhost") == 0)
		return true;
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* Scheme, host and port, and nothing else that somebody might take for another host. */
static emr_status read_host(const char *address, char **out_host)
{
	EMR_AUTO_FREE char *path = NULL;
	CURLU *url = curl_url();
	bool is_fine;

	if (url == NULL)
		return EMR_NO_MEMORY;
	is_fine =
		curl_url_set(url, CURLUPART_URL, address, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
		curl_url_get(url, CURLUPART_HOST, out_host, 0) == CURLUE_OK &&
		curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
		strcmp(path, "/") == 0 && strpbrk(address, "?#@ ") == NULL &&
		address[strlen(address) - 1] != '/';
	curl_url_cleanup(url);
	return is_fine ? EMR_OK : EMR_INVALID;
}

static emr_status check_address(const emr_gateway_endpoint *options)
{
	EMR_AUTO_FREE char *host = NULL;

	EMR_TRY(options->address == NULL || options->address[0] == '\0'
			? EMR_INVALID
			: read_host(options->address, &host));
	if (strncmp(options->address, "http://", 7) == 0)
		return is_here(host) ? EMR_OK : EMR_FORBIDDEN;
	if (strncmp(options->address, "https://", 8) != 0 || options->ca_file == NULL ||
		(options->cert_file == NULL) != (options->key_file == NULL))
		return EMR_INVALID;
	return EMR_OK;
}

static bool copy(const char *text, char **out_copy)
{
	if (text == NULL)
		return true;
	*out_copy = strdup(text);
	return *out_copy != NULL;
}

emr_status endpoint_open(gateway_endpoint *endpoint, const emr_gateway_endpoint *options)
{
	EMR_TRY(check_address(options));
	return copy(options->address, &endpoint->address) &&
			       copy(options->ca_file, &endpoint->ca_file) &&
			       copy(options->cert_file, &endpoint->cert_file) &&
			       copy(options->key_file, &endpoint->key_file)
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

static void line_end(gateway_line *line)
{
	curl_easy_cleanup(line->easy);
	curl_multi_cleanup(line->multi);
}

void endpoint_close(gateway_endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->idle_count; i++)
		line_end(&endpoint->idle[i]);
	free(endpoint->address);
	free(endpoint->ca_file);
	free(endpoint->cert_file);
	free(endpoint->key_file);
}

/* ---- Lines ---- */

emr_status line_take(emr_gateway *gateway, size_t index, gateway_line *out_line)
{
	gateway_endpoint *endpoint = &gateway->endpoints[index];
	bool is_there = false;

	(void)pthread_mutex_lock(&gateway->lock);
	if (endpoint->idle_count > 0) {
		*out_line = endpoint->idle[--endpoint->idle_count];
		is_there = true;
	}
	(void)pthread_mutex_unlock(&gateway->lock);
	if (is_there)
		return EMR_OK;
	*out_line = (gateway_line){.multi = curl_multi_init(), .easy = curl_easy_init()};
	if (out_line->multi != NULL && out_line->easy != NULL &&
		curl_multi_setopt(out_line->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) ==
			CURLM_OK)
		return EMR_OK;
	line_end(out_line);
	return EMR_NO_MEMORY;
}

/* After an error of the line nobody knows what is still on its way: it is not used again, and
 * neither are the others, which were made to the same peer. */
void line_give_back(emr_gateway *gateway, size_t index, gateway_line *line, bool is_good)
{
	gateway_endpoint *endpoint = &gateway->endpoints[index];
	gateway_line stale[LINES_IDLE_MAX];
	size_t stale_count = 0;
	bool is_kept = false;

	curl_easy_reset(line->easy);
	(void)pthread_mutex_lock(&gateway->lock);
	if (is_good && endpoint->idle_count < LINES_IDLE_MAX) {
		endpoint->idle[endpoint->idle_count++] = *line;
		is_kept = true;
	} else if (!is_good) {
		while (endpoint->idle_count > 0)
			stale[stale_count++] = endpoint->idle[--endpoint->idle_count];
	}
	(void)pthread_mutex_unlock(&gateway->lock);
	if (!is_kept)
		line_end(line);
	for (size_t i = 0; i < stale_count; i++)
		line_end(&stale[i]);
}

/* ---- Which one ---- */

bool endpoint_is_failure(emr_gateway_fault fault)
{
	return fault == EMR_GATEWAY_NO_HOST || fault == EMR_GATEWAY_NO_ANSWER ||
	       fault == EMR_GATEWAY_TLS || fault == EMR_GATEWAY_BROKEN_OFF ||
	       fault == EMR_GATEWAY_NO_STATUS || fault == EMR_GATEWAY_STRANGE;
}

static int first_of(const emr_gateway *gateway, unsigned tried, bool is_deferred, int64_t now)
{
	for (size_t i = 0; i < gateway->endpoint_count; i++) {
		const gateway_endpoint *endpoint = &gateway->endpoints[i];

		if ((tried >> i & 1) == 0 && endpoint->rests_until_ns <= now &&
			(endpoint->deferred_until_ns > now) == is_deferred)
			return (int)i;
	}
	return -1;
}

int endpoint_choose(emr_gateway *gateway, unsigned tried)
{
	int64_t now = emr_clock_boot_ns(gateway->clock);
	int chosen;
	EMR_LOCKED(&gateway->lock);

	chosen = first_of(gateway, tried, false, now);
	if (chosen < 0)
		chosen = first_of(gateway, tried, true, now);
	/* While it is found out whether it is back, others do not ask it as well. */
	if (chosen >= 0 && gateway->endpoints[chosen].failures >= FAILURES_MAX)
		gateway->endpoints[chosen].rests_until_ns = now + (int64_t)REST_MS * 1000000;
	return chosen;
}

void endpoint_judge(emr_gateway *gateway, size_t index, emr_gateway_fault fault)
{
	gateway_endpoint *endpoint = &gateway->endpoints[index];

	if (fault == EMR_GATEWAY_CANCELLED || fault == EMR_GATEWAY_HERE ||
		fault == EMR_GATEWAY_SLOW)
		return; /* that says nothing of whether it is there */
	(void)pthread_mutex_lock(&gateway->lock);
	if (!endpoint_is_failure(fault)) {
		endpoint->failures = 0;
		endpoint->rests_until_ns = 0;
	} else if (++endpoint->failures >= FAILURES_MAX) {
		unsigned doublings = endpoint->failures - FAILURES_MAX;

		if (doublings > REST_DOUBLINGS_MAX)
			doublings = REST_DOUBLINGS_MAX;
		endpoint->rests_until_ns = emr_clock_boot_ns(gateway->clock) +
					   ((int64_t)REST_MS << doublings) * 1000000;
	}
	(void)pthread_mutex_unlock(&gateway->lock);
}

void endpoint_defer(emr_gateway *gateway, size_t index)
{
	EMR_LOCKED(&gateway->lock);

	gateway->endpoints[index].deferred_until_ns =
		emr_clock_boot_ns(gateway->clock) + (int64_t)DEFER_MS * 1000000;
}
