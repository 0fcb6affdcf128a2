/* This file is what a network in a channel of Fabric has beside its entries: where its backend is,
 * and how it begins there. It refuses to begin one where another has begun. */
#include "ledger/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "channel/backend.h"
#include "contract/contract.h"

#define LINE_BYTES_MAX ((size_t)200)
#define WAIT_S 20
#define TRIES 6

/* ---- the file that names the backend ---- */

emr_status emr_network_channel(int dirfd, char **out_channel)
{
	EMR_AUTO_BUF line = {0};

	EMR_TRY(emr_file_read(dirfd, EMR_NETWORK_CHANNEL, LINE_BYTES_MAX, &line));
	if (line.len > 0 && line.data[line.len - 1] == '\n')
		line.len--;
	if (line.len == 0 || line.data[0] != '/' || memchr(line.data, '\0', line.len) != NULL ||
		memchr(line.data, '\n', line.len) != NULL)
		return EMR_DAMAGED;
	*out_channel = strndup((const char *)line.data, line.len);
	return *out_channel != NULL ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_network_channel_of(const char *path, char **out_channel)
{
	EMR_AUTO_FD dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir >= 0 ? emr_network_channel(dir, out_channel) : EMR_NOT_FOUND;
}

emr_status emr_network_put_channel(const char *path, const char *channel)
{
	EMR_AUTO_FD dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char line[LINE_BYTES_MAX];
	int n = snprintf(line, sizeof line, "%s\n", channel);

	if (dir < 0)
		return EMR_NOT_FOUND;
	if (channel[0] != '/' || strchr(channel, '\n') != NULL || n >= (int)sizeof line)
		return EMR_INVALID;
	return emr_file_replace(dir, EMR_NETWORK_CHANNEL, emr_bytes_of(line, (size_t)n), 0600);
}

bool emr_network_is_on_channel(const char *path)
{
	EMR_AUTO_FD dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir >= 0 && faccessat(dir, EMR_NETWORK_CHANNEL, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- what began in a channel ---- */

void emr_network_in_channel_free(emr_network_in_channel *known)
{
	emr_buf_free(&known->descriptor);
}

/* The contract takes one in all the time of the channel. */
static emr_status take_genesis(void *arg, const emr_fabric_logged *logged)
{
	emr_buf *out = arg;
	emr_descriptor network;

	if (strcmp(logged->function, "genesis") != 0)
		return EMR_OK;
	if (logged->n_args != 1 ||
		emr_descriptor_parse((emr_span){logged->args[0].data, logged->args[0].len},
			&network) != EMR_CONTRACT_OK ||
		emr_descriptor_host((emr_span){logged->args[0].data, logged->args[0].len}) !=
			EMR_HOST_FABRIC)
		return EMR_DAMAGED;
	EMR_TRY(emr_buf_append(out, logged->args[0].data, logged->args[0].len));
	return EMR_EXISTS;
}

static emr_status find_genesis(emr_fabric *fabric, emr_fabric_call *call, emr_buf *out)
{
	emr_fabric_place place = {.block = 0};
	emr_status status;

	do
		status = emr_fabric_log(fabric, call, &place, take_genesis, out);
	while (status == EMR_OK && place.block < place.height);
	return status == EMR_EXISTS ? EMR_OK : status;
}

emr_status emr_network_in_channel_find(const char *channel, emr_network_in_channel *out)
{
	EMR_AUTO_FABRIC fabric = NULL;
	emr_fabric_call call = {.wait_s = 0};
	emr_fabric_state state;
	emr_status status = emr_fabric_open(channel, &fabric);

	if (status == EMR_OK)
		status = emr_fabric_ask_state(fabric, &call, &state);
	if (status == EMR_OK && strlen(state.msp) >= sizeof out->msp)
		status = EMR_LIMIT;
	if (status == EMR_OK) {
		memcpy(out->msp, state.msp, strlen(state.msp) + 1);
		memcpy(out->genesis, state.genesis, sizeof out->genesis);
		status = find_genesis(fabric, &call, &out->descriptor);
	}
	(void)snprintf(out->said, sizeof out->said, "%s", call.said);
	return status;
}

/* ---- beginning ---- */

/* The first one is the channel's, by whoever was quicker. */
static emr_status compare(emr_fabric *fabric, emr_bytes descriptor)
{
	emr_fabric_call call = {.wait_s = 0};
	EMR_AUTO_BUF found = {0};

	EMR_TRY(find_genesis(fabric, &call, &found));
	if (found.len == 0)
		return EMR_OFFLINE;
	return emr_bytes_equal(emr_buf_view(&found), descriptor) ? EMR_OK : EMR_FORK;
}

emr_status emr_network_begin_in_channel(const char *channel, emr_bytes descriptor)
{
	EMR_AUTO_FABRIC fabric = NULL;
	emr_fabric_call call = {.wait_s = WAIT_S};
	emr_fabric_end end;
	emr_id16 net_id;
	char id[8 + 32 + 1] = "genesis-";
	const emr_fabric_transaction genesis = {
		.id = id, .line = "", .function = "genesis", .args = &descriptor, .n_args = 1};
	emr_status status;

	EMR_TRY(emr_fabric_open(channel, &fabric));
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, net_id.b);
	emr_hex(net_id.b, sizeof net_id.b, id + 8);
	status = emr_fabric_hand_in(fabric, &call, &genesis, &end);
	for (int i = 0; status == EMR_OK && end.state == EMR_FABRIC_WAITING && i < TRIES; i++)
		status = emr_fabric_ended(fabric, &call, id, &end);
	if (status == EMR_OK && end.state == EMR_FABRIC_WAITING)
		status = EMR_TIMEOUT;
	if (status != EMR_OK || end.state == EMR_FABRIC_REFUSED)
		emr_log(EMR_LOG_WARN, "channel: genesis: %s: %s", emr_status_text(status),
			status != EMR_OK ? call.said : end.said);
	return status == EMR_OK ? compare(fabric, descriptor) : status;
}
