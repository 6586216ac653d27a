/* A Modbus slave by libmodbus, for the tests: another implementation than the driver. Modbus TCP on a free port; or, with
 * a serial port and a unit id as arguments, RTU. Prints "port N"; then takes one command a line on standard input and answers each with "ok ..." or "error":
 *   set TABLE ADDRESS VALUE        get TABLE ADDRESS COUNT        (tables: coil discrete holding input)
 *   int32 | int64 | float TABLE ADDRESS VALUE, most significant register first; by libmodbus's integer macros, because
 *   its float functions disagree about the order of bytes between releases
 * Build: cc -o libmodbus-slave libmodbus-slave.c $(pkg-config --cflags --libs libmodbus) */

#include <arpa/inet.h>
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLE_SIZE = 2000, MAX_CLIENTS = 32 };

static uint16_t *word_table(modbus_mapping_t *map, const char *name) {
  return strcmp(name, "input") == 0 ? map->tab_input_registers : map->tab_registers;
}

static int is_bit_table(const char *name) { return strcmp(name, "coil") == 0 || strcmp(name, "discrete") == 0; }

static uint8_t *bit_table(modbus_mapping_t *map, const char *name) {
  return strcmp(name, "discrete") == 0 ? map->tab_input_bits : map->tab_bits;
}

static int32_t float_bits(const char *text) {
  float value = strtof(text, NULL);
  int32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static void obey(modbus_mapping_t *map, char *line) {
  char verb[16], table[16], text[64];
  int address, count;
  if (sscanf(line, "get %15s %d %d", table, &address, &count) == 3) {
    printf("ok");
    for (int i = address; i < address + count; i++) printf(" %d", is_bit_table(table) ? bit_table(map, table)[i] : word_table(map, table)[i]);
    printf("\n");
  } else if (sscanf(line, "%15s %15s %d %63s", verb, table, &address, text) == 4) {
    long long value = strtoll(text, NULL, 10);
    uint16_t *words = word_table(map, table);
    if (strcmp(verb, "int32") == 0) MODBUS_SET_INT32_TO_INT16(words, address, (int32_t)value);
    else if (strcmp(verb, "float") == 0) MODBUS_SET_INT32_TO_INT16(words, address, float_bits(text));
    else if (strcmp(verb, "int64") == 0) MODBUS_SET_INT64_TO_INT16(words, address, (int64_t)value);
    else if (is_bit_table(table)) bit_table(map, table)[address] = (uint8_t)value;
    else words[address] = (uint16_t)value;
    printf("ok\n");
  } else {
    printf("error\n");
  }
  fflush(stdout);
}

static int serve_serial(const char *path, int unit) {
  modbus_t *ctx = modbus_new_rtu(path, 19200, 'N', 8, 1);
  modbus_mapping_t *map = modbus_mapping_new(TABLE_SIZE, TABLE_SIZE, TABLE_SIZE, TABLE_SIZE);
  uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
  char line[256];
  if (ctx == NULL || map == NULL || modbus_set_slave(ctx, unit) != 0 || modbus_connect(ctx) != 0) return 1;
  struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = modbus_get_socket(ctx), .events = POLLIN}};
  printf("port 0\n");
  fflush(stdout);
  for (;;) {
    if (poll(fds, 2, -1) < 0) return 1;
    if (fds[0].revents != 0) {
      if (fgets(line, sizeof line, stdin) == NULL) return 0;
      obey(map, line);
    }
    if ((fds[1].revents & POLLIN) != 0) {
      int length = modbus_receive(ctx, query);
      if (length > 0) modbus_reply(ctx, query, length, map);
    } else if (fds[1].revents != 0) {
      return 0; /* unplugged */
    }
  }
}

int main(int argc, char **argv) {
  setvbuf(stdin, NULL, _IONBF, 0);
  if (argc == 3) return serve_serial(argv[1], atoi(argv[2]));
  modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);
  modbus_mapping_t *map = modbus_mapping_new(TABLE_SIZE, TABLE_SIZE, TABLE_SIZE, TABLE_SIZE);
  int listener = modbus_tcp_listen(ctx, 8);
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  struct pollfd fds[MAX_CLIENTS] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
  int used = 2;
  char line[256];
  if (listener < 0 || map == NULL || getsockname(listener, (struct sockaddr *)&address, &size) != 0) return 1;
  printf("port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    if (poll(fds, (nfds_t)used, -1) < 0) return 1;
    if (fds[0].revents != 0) {
      if (fgets(line, sizeof line, stdin) == NULL) return 0;
      obey(map, line);
    }
    if (fds[1].revents != 0 && used < MAX_CLIENTS) {
      fds[used].fd = accept(listener, NULL, NULL);
      fds[used].events = POLLIN;
      fds[used++].revents = 0;
    }
    for (int i = 2; i < used; i++) {
      uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
      if (fds[i].revents == 0) continue;
      modbus_set_socket(ctx, fds[i].fd);
      int length = modbus_receive(ctx, query);
      if (length > 0) modbus_reply(ctx, query, length, map);
      if (length < 0) {
        close(fds[i].fd);
        fds[i--] = fds[--used];
      }
    }
  }
}
