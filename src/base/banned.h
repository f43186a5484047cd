/*
 * banned.h - calls whose misuse has been a security hole too often.
 *
 * Included last by a .c file, it makes their use a compile error.  Bytes are
 * copied through span and buf, numbers parsed through num.h.
 */
#ifndef POSTRIDER_BASE_BANNED_H
#define POSTRIDER_BASE_BANNED_H

#undef alloca
#undef strtok
#pragma GCC poison strcpy strcat sprintf vsprintf strtok strncpy strncat
#pragma GCC poison atoi atol atoll gets alloca system popen

#endif
