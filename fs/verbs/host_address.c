/* This file says for `emrfs host` who has to hear of a new address, and how. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "contract/item.h"
#include "kit/language.h"
#include "kit/text.h"
#include "served/server.h"
#include "session/network_dir.h"
#include "verbs_private.h"

#define SETTINGS_MAX ((size_t)4096)

emr_status host_note_place(
	const char *dir, int own_fd, const uint8_t secret[32], emr_served_at *at, bool *out_moved)
{
	EMR_AUTO_BUF settings = {0}, descriptor = {0};
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_served_at before;
	emr_address said;
	emr_id16 net_id;
	emr_status status = emr_file_read(own_fd, EMR_HOST_AT, SETTINGS_MAX, &settings);

	*out_moved = false;
	if (status == EMR_NOT_FOUND)
		return EMR_OK; /* nobody knows another one */
	EMR_TRY(status);
	if (emr_served_at_read(emr_buf_view(&settings), &before) != EMR_OK)
		return EMR_DAMAGED;
	memcpy(at->word, before.word, sizeof at->word);
	*out_moved = strcmp(at->url, before.url) != 0 || strcmp(at->pin, before.pin) != 0 ||
		     strcmp(at->socket, before.socket) != 0;
	if (!*out_moved)
		return EMR_OK;
	/* Also by a clock that went back. */
	if (emr_address_of(&before, &said) == EMR_OK && said.unix_s >= now)
		now = said.unix_s + 1;
	status = emr_network_dir_descriptor(dir, &descriptor);
	if (status == EMR_NOT_FOUND) { /* all was lost: the next start, which has it, says so */
		at->word[0] = '\0';
		return EMR_OK;
	}
	EMR_TRY(status);
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, net_id.b);
	return emr_served_say_at(secret, net_id, now, at);
}

emr_status host_write_place(int dirfd, const char *name, const emr_served_at *at)
{
	EMR_AUTO_BUF settings = {0};

	EMR_TRY(emr_served_at_write(at, &settings));
	return emr_file_replace(dirfd, name, emr_buf_view(&settings), 0600);
}

void host_say_moved(emr_out *out, const emr_served_at *at)
{
	EMR_AUTO_BUF text = {0};
	emr_address said;

	if (emr_address_of(at, &said) != EMR_OK || emr_address_write(&said, &text) != EMR_OK)
		return;
	text.data[text.len - 1] = '\0';
	emr_out_text(out, "moved_to", (const char *)text.data);
	emr_say(out,
		"Members who know the one from before take this text, which is no secret:\n"
		"  emrfs network address '%s'\n",
		(const char *)text.data);
}
