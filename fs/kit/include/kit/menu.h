/* What a desktop's menus call the deeds of commands, for sentences that stand in a window. It
 * refuses to guess: a command with an option, or that no menu has, stays a command. */
#pragma once

#include <stddef.h>

/* TEXT, which is a template or a format, with the entry of a menu in place of each command (and
 * what it takes) that has one; what does not fit is cut. */
void emr_menu_words(const char *text, char *out, size_t size);
