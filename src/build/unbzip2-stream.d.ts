declare module "unbzip2-stream" {
  /** A stream that takes what bzip2 wrote and gives what it was made of. */
  function unbzip2(): NodeJS.ReadWriteStream;
  export = unbzip2;
}
