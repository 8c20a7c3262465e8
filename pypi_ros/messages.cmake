# Builds the messages of a folder's msg/*.msg for C, C++ and Python; the rest of the arguments are
# the message packages that they use.
macro(build_messages folder)
  find_package(ament_cmake REQUIRED)
  find_package(rosidl_default_generators REQUIRED)
  foreach(used ${ARGN})
    find_package(${used} REQUIRED)
  endforeach()

  get_filename_component(definitions "${folder}" ABSOLUTE)
  file(GLOB messages RELATIVE "${definitions}" CONFIGURE_DEPENDS "${definitions}/msg/*.msg")
  list(TRANSFORM messages PREPEND "${definitions}:")

  rosidl_generate_interfaces(${PROJECT_NAME} ${messages} DEPENDENCIES ${ARGN})

  ament_export_dependencies(rosidl_default_runtime)
  ament_package()
endmacro()
