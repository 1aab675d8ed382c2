select life::text from installation
