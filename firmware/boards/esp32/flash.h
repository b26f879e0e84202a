#pragma once
#include "espalier/ports.h"
#include "nvs.h"

/** Names `creds.*` are blobs in the `creds` partition, which nothing erases by itself; all others are files of LittleFS. */
class EspFlash final : public espalier::Store {
 public:
  enum class Found : uint8_t {
    good,
    /** LittleFS could not be read and was made anew: readings that waited are gone. */
    filesLost,
    /** `creds` can't be read. It is left as it is: the node waits to be provisioned. */
    noCredentials,
    /** No LittleFS at all. */
    noFiles,
  };
  [[nodiscard]] Found begin();
  [[nodiscard]] size_t read(espalier::Text name, size_t offset, uint8_t* out, size_t room) override;
  [[nodiscard]] bool write(espalier::Text name, espalier::Span bytes) override;
  [[nodiscard]] bool append(espalier::Text name, espalier::Span bytes) override;
  void remove(espalier::Text name) override;

 private:
  [[nodiscard]] bool openCredentials();
  [[nodiscard]] bool put(espalier::Text name, int flags, espalier::Span bytes);

  nvs_handle_t credentials_ = 0;
  bool hasCredentials_ = false;
};
